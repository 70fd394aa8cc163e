// Recent decisions: what is listed, filtered by the address, taken back, exported.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, open, signIn } from "./browser.mjs";

let session;

before(async () => {
  session = await open();
  await signIn(session.page, "MODERATOR_MANAGER", "/decisions");
  await session.page.getByRole("table").waitFor();
});
after(async () => {
  await session.browser.close();
  assert.deepEqual(session.faults, []);
});

test("decisions are listed with names, and the one under the cursor is beside them", async () => {
  const { page } = session;
  const first = page.locator("tr[data-cursor]");
  const before = await first.textContent();
  assert.doesNotMatch(before, /[0-9a-f]{8}-[0-9a-f]{4}-/);
  await page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
  await page.keyboard.press("j");
  assert.notEqual(await first.textContent(), before);
  await page.keyboard.press("Space");
  await page.getByRole("columnheader", { name: "Reason" }).waitFor();
  assert.equal(await page.getByRole("complementary").count(), 0);
  await page.keyboard.press("Space");
  await page.getByRole("complementary").waitFor();
});

test("a filter is set by keyboard alone, is the address, and is there again after a reload", async () => {
  const { page } = session;
  await page.keyboard.press("f");
  await page.getByRole("menuitem", { name: "Decision", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "Decision", exact: true }).fill("No viol");
  await page.getByRole("option", { name: "No violation" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/type=/);
  await page.reload();
  const rows = page.locator("tbody tr");
  await rows.first().waitFor();
  for (const text of await rows.allTextContents()) assert.match(text, /No violation/);
  await page.getByRole("button", { name: "Drop the filter Decision" }).click();
  await page.waitForURL((url) => !url.search.includes("type="));
});

test("what fits nothing says so, and clears", async () => {
  const { page } = session;
  await page.goto(`${BASE}/decisions?since=2001-01-01&until=2001-01-02`);
  await page.getByRole("heading", { name: "No decision fits this filter" }).waitFor();
  await page.getByRole("button", { name: "Clear" }).first().click();
  await page.getByRole("row", { name: /No violation/ }).first().waitFor();
});

test("an action of a rule is taken back with a reason, and its row says so", async () => {
  const { page } = session;
  await page.goto(`${BASE}/decisions?source=${encodeURIComponent('["RULE_EXECUTION"]')}`);
  const row = page.locator("tr[data-cursor]");
  // Not one that was taken back already.
  await page.locator("tbody tr", { hasNotText: "Reversed" }).first().click();
  const button = page.getByRole("button", { name: /^Reverse 1 effect/ });
  await button.waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("r");
  await page.getByLabel("Reason", { exact: true }).fill("A joke between friends.");
  await page.keyboard.press("Control+Enter");
  await page.getByText("One effect is being taken back.").waitFor();
  await row.getByText("Reversed").waitFor();
  await page.getByText(/^Taken back .* 1 effect$/).waitFor();
});

test("the list is exported and can be downloaded", async () => {
  const { page } = session;
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "As CSV" }).click();
  await page.getByText(/Export ready: \d+ rows?/).waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
});

for (const look of [{ scheme: "light" }, { scheme: "dark" }, { scheme: "light", width: 320, height: 700 }]) {
  test(`axe finds nothing, and nothing runs over: ${JSON.stringify(look)}`, async () => {
    const one = await open(look);
    try {
      await signIn(one.page, "MODERATOR_MANAGER", "/decisions");
      await one.page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
      assert.deepEqual(await axe(one.page), []);
      const over = await one.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${over} px wider than the window`);
    } finally {
      await one.browser.close();
    }
  });
}
