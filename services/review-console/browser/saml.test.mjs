// Single sign-on by SAML, from the metadata that is pasted to somebody who came in: against pysaml2's provider.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, get, idIn, open, person, signIn } from "./browser.mjs";
import { startSamlProvider } from "./provider.mjs";

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const MODERATOR = person("MODERATOR").email;

let browser;
let page;
let faults;
let provider;
let id;

before(async () => {
  provider = await startSamlProvider();
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(30_000);
  await signIn(page, "ADMIN", "/settings/single-sign-on/new");
});
after(async () => {
  if (id) await call(page, "DELETE", `/v1/identity-providers/${id}`);
  await browser.close();
  provider.stop();
});

/** A browser of somebody else, with nothing in it. */
async function elsewhere() {
  const context = await browser.newContext();
  const other = await context.newPage();
  other.setDefaultTimeout(30_000);
  return other;
}

/** What stands at the provider's page to be copied, under that name. */
const copied = (name) => page.locator("dt", { hasText: name }).locator("xpath=following-sibling::dd[1]").getByRole("button").getAttribute("title");

/** As the administrator does at the provider. */
async function enterThere(acs, audience) {
  const other = await elsewhere();
  await other.goto(`${provider.origin}/application`);
  await other.getByLabel("Single sign-on URL").fill(acs);
  await other.getByLabel("Audience URI").fill(audience);
  await other.getByRole("button", { name: "Save" }).click();
  await other.getByText("Saved").waitFor();
}

/** At the provider, under that address; the page on which it ends, and what the provider sent. */
async function cameBack(other, email) {
  const sent = other.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/acs"));
  await other.getByLabel("Address").fill(email);
  await other.getByRole("button", { name: "Continue" }).click();
  const form = new URLSearchParams((await sent).postData());
  await other.waitForURL((url) => url.origin !== provider.origin && !url.pathname.startsWith("/v1/"));
  return form;
}

const who = async (other) => (await get(other, "/v1/session")).user?.email;
const tries = () => page.getByRole("status").getByRole("listitem");

test("what the metadata say is shown before it is kept, and what is to be entered at the provider after", async () => {
  await page.getByRole("textbox", { name: "Name" }).fill(`pysaml2 ${mark}`);
  await page.getByLabel("Metadata, as XML").fill(await provider.metadata());
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByText(`${provider.origin}/idp`, { exact: true }).waitFor();
  await page.getByText(`${provider.origin}/sso`, { exact: true }).waitFor();
  await page.getByText(/CN=pysaml2/).waitFor();
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByRole("heading", { name: "To enter at the provider" }).waitFor();
  await page.getByText("Nobody tried yet.").waitFor();
  id = idIn(page);
  assert.match(await copied(/^Single sign-on URL/), new RegExp(`/v1/sso/${id}/acs$`));
  assert.deepEqual(await axe(page), []);
});

test("the round trip says what was entered wrongly, and that nobody has that address", async () => {
  const acs = await copied(/^Single sign-on URL/);
  const address = await page.getByRole("link", { name: "Open the sign-in" }).getAttribute("href");
  await enterThere(acs, acs);
  const first = await elsewhere();
  await first.goto(address);
  await cameBack(first, MODERATOR);
  await first.getByRole("alert").getByText(/Ask whoever manages people/).waitFor();
  await page.getByText("The audience at the provider is not the one above.").waitFor();

  await enterThere(acs, await copied(/^Audience URI/));
  await first.goto(address);
  await cameBack(first, `nobody-${mark}@demo.example`);
  await first.getByRole("alert").waitFor();
  await page.getByText(/^No account has that address/).waitFor();
  assert.equal(await tries().count(), 2);
  assert.equal(await who(first), undefined);
});

test("somebody signs in by it from the console's own door, and is where they wanted to be", async () => {
  const { org } = await get(page, "/v1/session");
  const other = await elsewhere();
  await other.goto(`${BASE}/queues`);
  await other.getByRole("link", { name: /single sign-on/i }).click();
  await other.getByLabel("E-mail").fill(MODERATOR);
  await other.getByLabel("Organisation").fill(org.slug);
  await other.getByRole("button", { name: "Continue" }).click();
  await other.getByRole("heading", { name: "Provider" }).waitFor();
  const form = await cameBack(other, MODERATOR);
  await other.getByRole("row", { name: /Spam/ }).waitFor();
  assert.equal(new URL(other.url()).pathname, "/queues");
  assert.equal(await who(other), MODERATOR);
  await page.getByText(/ came in$/).waitFor();
  assert.deepEqual(await axe(page), []);

  // Whoever got hold of what the provider sent has nothing by it.
  const thief = await elsewhere();
  await thief.goto(`${BASE}/sign-in`);
  await thief.evaluate(
    ([action, fields]) => {
      const form = Object.assign(document.createElement("form"), { method: "post", action });
      for (const [name, value] of fields) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
      document.body.append(form);
      form.submit();
    },
    [await copied(/^Single sign-on URL/), [...form]],
  );
  await thief.waitForURL((url) => url.searchParams.has("singleSignOn"));
  assert.equal(await who(thief), undefined);
});

test("a provider that was switched off lets nobody in", async () => {
  const address = await page.getByRole("link", { name: "Open the sign-in" }).getAttribute("href");
  await page.getByRole("switch", { name: "On" }).click();
  await page.keyboard.press("Control+S");
  await page.getByText("Switch the provider on and save first").waitFor();
  const other = await elsewhere();
  const answer = await other.goto(address);
  assert.equal(new URL(answer.url()).origin, new URL(BASE).origin);
  await other.goto(`${BASE}/sign-in`);
  assert.equal(await who(other), undefined);
});

test("no page broke", () => assert.deepEqual(faults.filter((one) => !/4(04|09|12|22)/.test(one)), []));
