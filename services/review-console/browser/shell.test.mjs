// Signing in, the shell and the queues, as a person uses them, against the whole system.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, open, person, signIn } from "./browser.mjs";

let session;
before(async () => {
  session = await open();
});
after(() => session.browser.close());

const focused = (page) => page.evaluate(() => document.activeElement?.tagName);

test("a wrong password is said in words, and nothing that was typed is lost", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.waitForURL(/sign-in/);
  await page.getByLabel("E-mail").fill(person("MODERATOR").email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.keyboard.press("Enter");
  await page.getByText("The e-mail address or the password is wrong.").waitFor();
  assert.equal(await page.getByLabel("E-mail").inputValue(), person("MODERATOR").email);
  assert.deepEqual(await axe(page), []);
});

test("signing in leads to the page that was asked for, where queues are live", async () => {
  const { page } = session;
  await signIn(page, "MODERATOR", "/queues?only=waiting");
  await page.getByRole("heading", { name: "Queues" }).waitFor();
  assert.match(page.url(), /only=waiting/);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
});

test("the list is walked, filtered and starred by keyboard alone", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  const cursor = () => page.locator("tr[data-cursor]").first().textContent();
  const first = await cursor();
  await page.keyboard.press("j");
  assert.notEqual(await cursor(), first);
  await page.keyboard.press("k");
  assert.equal(await cursor(), first);
  await page.keyboard.press("/");
  assert.equal(await focused(page), "INPUT");
  await page.keyboard.type("spam");
  await page.waitForURL(/q=spam/);
  assert.equal(await page.locator("tbody tr[id]").count(), 1);
  await page.keyboard.press("Escape");
  const [answer] = await Promise.all([page.waitForResponse(/\/favourite$/), page.keyboard.press("*")]);
  assert.equal(answer.status(), 204);
  await page.getByRole("button", { name: "Unstar Spam" }).waitFor();
  await page.keyboard.press("*");
  await page.getByRole("button", { name: "Star Spam" }).waitFor();
});

test("typing fires no shortcut", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.getByRole("searchbox").click();
  await page.keyboard.type("?gqz*");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.getByRole("searchbox").inputValue(), "?gqz*");
});

test("the palette opens within 200 ms of its key and goes where it says", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Harassment/ }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("combobox").waitFor({ state: "detached" });
  const began = performance.now();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  const took = performance.now() - began;
  assert.ok(took < 200, `${took} ms`);
  await page.keyboard.type("harass");
  await page.getByRole("option", { name: "Harassment", exact: true }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/peek=/);
});

test("all keys are on the sheet, and one that is changed works at once", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("button", { name: "Change: Next row" }).click();
  await page.keyboard.press("n");
  await page.getByRole("button", { name: "Reset" }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const before = await page.locator("tr[data-cursor]").textContent();
  await page.keyboard.press("n");
  assert.notEqual(await page.locator("tr[data-cursor]").textContent(), before);
  await page.evaluate(() => localStorage.clear());
});

test("stepping away blanks the screen at once, and coming back shows the page", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await page.keyboard.press("Alt+0");
  await page.getByRole("heading", { name: "You are away" }).waitFor();
  assert.equal(await page.getByRole("table").isVisible(), false);
  await page.keyboard.press("Enter");
  await page.getByRole("table").waitFor();
});

test("two tabs have one event stream, and signing out in one signs out in both", async () => {
  const { context, page } = session;
  const streams = [];
  const other = await context.newPage();
  for (const one of [page, other]) one.on("request", (request) => request.url().endsWith("/v1/events") && streams.push(one));
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await other.goto(`${BASE}/queues`);
  await other.getByRole("link", { name: /Queues \d/ }).waitFor();
  assert.equal(streams.filter((one) => one === other).length, 0);
  await page.getByRole("button", { name: /account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
  await other.close();
});

for (const look of [{ scheme: "light" }, { scheme: "dark" }, { scheme: "light", contrast: "more" }, { scheme: "dark", contrast: "more" }, { scheme: "light", width: 320, height: 700 }]) {
  test(`axe finds nothing, and nothing runs over: ${JSON.stringify(look)}`, async () => {
    const one = await open(look);
    try {
      await signIn(one.page, "MODERATOR_MANAGER", "/queues");
      await one.page.getByRole("table").waitFor();
      await one.page.getByRole("row", { name: /Spam/ }).waitFor();
      assert.deepEqual(await axe(one.page), []);
      const over = await one.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${over} px wider than the window`);
      assert.deepEqual(one.faults, []);
    } finally {
      await one.browser.close();
    }
  });
}

test("the pseudo locale mirrors the page", async () => {
  const one = await open();
  try {
    await one.page.addInitScript(() => localStorage.setItem("coop.preference", JSON.stringify({ locale: "pseudo" })));
    await one.page.goto(`${BASE}/sign-in`);
    await one.page.getByRole("heading", { name: /⟦/ }).waitFor();
    assert.equal(await one.page.evaluate(() => document.documentElement.dir), "rtl");
    assert.deepEqual(one.faults, []);
  } finally {
    await one.browser.close();
  }
});
