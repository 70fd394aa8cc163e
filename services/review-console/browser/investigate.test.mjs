// Investigate and the palette: what is found, who it is, acting from it, a note.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, open, signIn } from "./browser.mjs";

let session;

before(async () => {
  session = await open();
  await signIn(session.page, "MODERATOR_MANAGER", "/investigate");
  await session.page.getByRole("heading", { name: "Whom or what do you look for?" }).waitFor();
});
after(async () => {
  await session.browser.close();
  assert.deepEqual(session.faults, []);
});

test("somebody is found by a part of the id, and shown with what they did and what was done", async () => {
  const { page } = session;
  await page.keyboard.press("/");
  await page.keyboard.type("hammer");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: /User hammer of truth/ }).click();
  await page.getByRole("heading", { name: "hammer of truth" }).waitFor();
  await page.getByRole("row", { name: /radio show is an idiot/ }).waitFor();
  await page.getByRole("region", { name: "Everything done" }).getByText(/Reported by/).first().waitFor();
  assert.deepEqual(await axe(page), []);
});

test("the row under the cursor is shown in its thread", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /you blocked my comment/ }).click();
  await page.getByRole("region", { name: "In its thread" }).getByText("This item").waitFor();
});

test("a note is kept while it is typed, and is there for everybody once it is added", async () => {
  const { page } = session;
  const text = `Calms down when warned. ${Date.now()}`;
  await page.keyboard.press("n");
  await page.keyboard.type(text);
  await page.reload();
  const field = page.getByRole("textbox", { name: "Note for your team" });
  await field.waitFor();
  assert.equal(await field.inputValue(), text);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator("p", { hasText: text }).first().waitFor();
  assert.equal(await field.inputValue(), "");
});

test("what is ticked is acted on with one chord", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /kitchen songs/ }).getByRole("checkbox").check();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option").first().click();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Asked for on one item.").waitFor();
});

test("what was sent from an address is found by it, and nothing says what was tried", async () => {
  const { page } = session;
  await page.getByRole("link", { name: /^\d+\.\d+\.\d+\.\d+$/ }).first().click();
  await page.getByRole("heading", { name: "Sent from this address" }).waitFor();
  await page.goto(`${BASE}/investigate?q=nothing-is-called-this-8361`);
  await page.getByRole("heading", { name: /Nothing here under/ }).waitFor();
});

test("the palette finds a user by name, and leads to them", async () => {
  const { page } = session;
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("hammer of");
  await page.getByRole("option", { name: /hammer of truth/ }).waitFor();
  await page.getByRole("option", { name: /hammer of truth/ }).click();
  await page.getByRole("heading", { name: "hammer of truth" }).waitFor();
});

test("nothing runs over on a narrow screen", async () => {
  const one = await open({ scheme: "dark", width: 320, height: 700 });
  try {
    await signIn(one.page, "MODERATOR_MANAGER", new URL(session.page.url()).pathname + new URL(session.page.url()).search);
    await one.page.getByRole("heading", { name: "Everything done" }).waitFor();
    assert.deepEqual(await axe(one.page), []);
    const over = await one.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${over} px wider than the window`);
  } finally {
    await one.browser.close();
  }
});
