// Strikes, integrations and single sign-on, as an administrator sets them up: secrets are only written, and what is set up is tried.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, DEMO, get, open, person, signIn, until } from "./browser.mjs";
import { startProvider } from "./provider.mjs";

let browser;
let page;
let faults;

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const PROVIDER = `Test provider ${mark}`;
const FAR = 90_000;
const clean = async () => assert.deepEqual(await axe(page), []);
const saved = () => page.getByRole("button", { name: "Saved" }).waitFor();

before(async () => {
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(60_000);
  await signIn(page, "ADMIN", "/strikes");
});
after(() => browser.close());

test("a threshold that does nothing is refused at its row; a whole one is kept, and all else of the settings", async () => {
  const before = await get(page, "/v1/settings");
  await page.getByRole("heading", { name: "Users by strikes" }).waitFor();
  const row = (before.userStrikeThresholds ?? []).length + 1;
  await page.getByRole("button", { name: "Threshold", exact: true }).click();
  await page.getByLabel(`Threshold ${row}: strikes`).fill(String(FAR));
  await page.keyboard.press("Control+S");
  await page.getByText("It needs an action").waitFor();
  await page.getByRole("combobox", { name: `Threshold ${row}: actions` }).click();
  await page.getByRole("option", { name: "Suspend account" }).click();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+S");
  await saved();
  await clean();
  const kept = await get(page, "/v1/settings");
  assert.deepEqual(kept.userStrikeThresholds.at(-1).actionIds, [DEMO.ids.actions["Suspend account"]]);
  assert.deepEqual([kept.name, kept.timeZone, kept.userStrikeTtlDays], [before.name, before.timeZone, before.userStrikeTtlDays]);
  await page.getByRole("button", { name: `Remove the threshold of ${FAR}` }).click();
  await page.keyboard.press("Control+S");
  await saved();
  await until(async () => (await get(page, "/v1/settings")).userStrikeThresholds.length === row - 1, "settings without it");
});

test("credentials are written and never read; what is stored is tried, and forgotten when asked", async () => {
  await page.goto(`${BASE}/settings/integrations`);
  await page.getByText("Hasher-Matcher-Actioner").waitFor();
  await clean();
  await page.getByRole("link", { name: "Zentropi" }).click();
  await page.getByText("There is no account to try yet").waitFor();
  await page.getByLabel(/^API key/).fill(`key-${mark}`);
  await page.getByLabel(/^Labeler versions/).fill("[{");
  await page.getByText("This is no JSON").waitFor();
  await page.getByLabel(/^Labeler versions/).fill('[{"id": "v1", "label": "Spam"}]');
  await page.getByRole("button", { name: /^Create/ }).click();
  await saved();
  assert.equal(await page.getByLabel(/^API key/).inputValue(), "");
  const { account } = await get(page, "/v1/integrations/ZENTROPI");
  assert.deepEqual([account.credentialNames, account.config.labelerVersions], [["apiKey"], [{ id: "v1", label: "Spam" }]]);
  assert.ok(!JSON.stringify(account).includes(mark));
  await page.getByRole("button", { name: /^Try the credentials/ }).click();
  await page.getByText(/refused them|could not be reached|took too long|fault of its own|not one that may be called|not what it should be/).waitFor();
  await clean();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("There is no account to try yet").waitFor();
});

test("metadata is looked at before it is saved, and says what is wrong with it", async () => {
  await page.goto(`${BASE}/settings/single-sign-on/new`);
  await page.getByLabel("Metadata, as XML").fill("<EntityDescriptor/>");
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByRole("alert").filter({ hasText: /\w{4}/ }).first().waitFor();
});

test("a provider is set up, and a round trip through it stands on its page: who came in, and why another did not", async () => {
  const provider = await startProvider();
  const { issuer, clientId, clientSecret } = provider.document;
  await page.getByText("OpenID Connect").click();
  await page.getByRole("textbox", { name: "Name" }).fill(PROVIDER);
  await page.getByLabel("Issuer").fill(issuer);
  await page.getByLabel("Client id").fill(clientId);
  await page.getByLabel("Client secret").fill(clientSecret);
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByRole("heading", { name: "To enter at the provider" }).waitFor();
  const id = new URL(page.url()).pathname.split("/").at(-1);
  try {
    await page.getByText("Nobody tried yet.").waitFor();
    await clean();
    const address = await page.getByRole("link", { name: "Open the sign-in" }).getAttribute("href");
    for (const email of [`nobody-${mark}@demo.example`, person("ADMIN").email]) {
      const context = await browser.newContext();
      const other = await context.newPage();
      await other.goto(address);
      await other.getByLabel("Address").fill(email);
      await other.getByRole("button", { name: "Continue" }).click();
      await other.waitForURL((url) => !url.href.startsWith(issuer));
      await context.close();
    }
    await page.getByText(/ came in$/).waitFor();
    await page.getByText(/No account has that address/).waitFor();
  } finally {
    await call(page, "DELETE", `/v1/identity-providers/${id}`);
    provider.stop();
  }
});

test("no page broke", () => assert.deepEqual(faults.filter((one) => !/4(04|09|12|22)|502/.test(one)), []));
