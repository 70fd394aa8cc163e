// Investigate and the palette: what is found, who it is, acting from it, a note.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, open, signIn } from "./browser.mjs";

let session;

before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR_MANAGER", "/investigate");
  await session.page.getByRole("heading", { name: "Whom or what do you look for?" }).waitFor();
});
after(async () => {
  await session.browser.close();
  // What was refused on purpose is told by the browser too.
  assert.deepEqual(session.faults.filter((one) => !/status of [45]\d\d/.test(one)), []);
});

test("somebody is found by a part of the id, and shown with what they did and what was done", async () => {
  const { page } = session;
  await page.keyboard.press("/");
  await page.keyboard.type("hammer");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: /User hammer of truth/ }).click();
  await page.getByRole("heading", { name: "hammer of truth" }).waitFor();
  await page.getByRole("row", { name: /radio show is an idiot/ }).waitFor();
  // There may be more of other kinds than one page of it holds.
  await page.getByRole("region", { name: "Everything done" }).getByRole("button", { name: "Reports" }).or(page.getByRole("region", { name: "Everything done" }).getByRole("radio", { name: "Reports" })).first().click();
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

test("one's own note is changed and deleted; that there was one stays", async () => {
  const { page } = session;
  const notes = page.getByRole("region", { name: "Notes", exact: true });
  const before = `Twice warned. ${Date.now()}`;
  await page.getByRole("textbox", { name: "Note for your team" }).fill(before);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  // Of this note alone: others have buttons of the same name.
  const mine = notes.locator("div").filter({ has: page.locator("p", { hasText: before }) }).last();
  await mine.getByRole("button", { name: /^Edit the note of/ }).click();
  await page.getByLabel("The note", { exact: true }).fill(`${before} Now calm.`);
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  await mine.getByText(`${before} Now calm.`).waitFor();
  await mine.getByText("edited").waitFor();
  await mine.getByRole("button", { name: /^Delete the note of/ }).click();
  await mine.getByText("Its words are gone for good").waitFor();
  assert.deepEqual(await axe(page), []);
  await mine.getByRole("button", { name: "Delete the note", exact: true }).click();
  await notes.locator("p", { hasText: before }).waitFor({ state: "detached" });
  await notes.getByText(/^Removed by /).first().waitFor();
});

test("which list and which row one looks at is the address", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /you blocked my comment/ }).click();
  await page.waitForURL(/row=/);
  await page.getByRole("tab", { name: /^Versions/ }).click();
  await page.waitForURL(/tab=versions/);
  await page.getByText("As first sent").waitFor();
  await page.reload();
  await page.getByRole("tab", { name: /^Versions/, selected: true }).waitFor();
  await page.getByRole("region", { name: "In its thread" }).getByText("This item").waitFor();
  await page.getByRole("tab", { name: "Answers" }).click();
  await page.getByText("Nothing names it as what it answers").waitFor();
  await page.getByRole("tab", { name: "Items" }).click();
  await page.getByRole("row", { name: /kitchen songs/ }).waitFor();
});

test("above the organisation's limit the number of items is typed before anything is asked for", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /kitchen songs/ }).getByRole("checkbox").check();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option").first().click();
  // The demo's limit is a hundred, and nobody in it sent as many.
  await page.route("**/v1/bulk-actions", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), needsTotal: true } });
  });
  const confirms = [];
  page.on("request", (request) => /bulk-actions\/.*\/confirm/.test(request.url()) && confirms.push(request.postDataJSON()));
  await page.keyboard.press("Control+Enter");
  const step = page.getByRole("group", { name: "1 item at once" });
  await step.getByLabel("Type 1 to go on").fill("2");
  const apply = step.getByRole("button", { name: "Apply to 1 item" });
  assert.equal(await apply.getAttribute("aria-disabled"), "true");
  // As a pointer does it: the button stays focusable, and says why instead.
  await apply.dispatchEvent("click");
  await step.getByText("Type the number of items.").waitFor();
  assert.deepEqual(confirms, []);
  await step.getByRole("button", { name: "Back" }).click();
  await page.getByRole("button", { name: /^Apply/ }).click();
  await step.getByLabel("Type 1 to go on").fill("1");
  await apply.click();
  await page.getByText("Asked for on one item.").first().waitFor();
  assert.deepEqual(confirms, [{ total: 1 }]);
  await page.unroute("**/v1/bulk-actions");
});

test("an action that fails says how far it came, keeps what was chosen, and can be tried again", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /kitchen songs/ }).getByRole("checkbox").check();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option").first().click();
  await page.getByRole("textbox", { name: "Note", exact: true }).fill("Seen twice.");
  await page.route("**/v1/bulk-actions/*/confirm", (route) => route.fulfill({ status: 409, contentType: "application/problem+json", json: { type: "/problems/conflict", title: "Conflict", status: 409, detail: "it was cancelled", requestId: "req-0011223344556677" } }));
  await page.keyboard.press("Control+Enter");
  await page.getByText("Nothing was asked for.").waitFor();
  await page.getByText("This cannot be done as things are now. It was cancelled.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Note", exact: true }).inputValue(), "Seen twice.");
  await page.unroute("**/v1/bulk-actions/*/confirm");
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByText("Asked for on one item.").first().waitFor();
});

test("what is ticked is acted on with one chord", async () => {
  const { page } = session;
  await page.getByRole("row", { name: /kitchen songs/ }).getByRole("checkbox").check();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option").first().click();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Asked for on one item.").first().waitFor();
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
