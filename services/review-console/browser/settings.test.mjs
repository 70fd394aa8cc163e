// Settings, as an administrator meets them: what is saved is in force, what is refused says where.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, DEMO, get, open, signIn, until } from "./browser.mjs";

let browser;
let page;
let faults;

before(async () => {
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(60_000);
  await signIn(page, "ADMIN", "/queues");
});
after(() => browser.close());

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const RECIPE = `Recipe ${mark}`;
const HIDE = `Hide recipe ${mark}`;
const KEY = `Browser test ${mark}`;
const LEAD = `Appeals lead ${mark}`;
const CHAIN = `Chain letters ${mark}`;
const RECIPES = `Recipes ${mark}`;
const INVITED = `settings-${mark}@demo.example`;

const idOf = (path) => new URL(page.url()).pathname.slice(path.length);
/** Saved under an id of its own: it is no longer the page of a new one. */
const saved = (path) => until(() => Promise.resolve(new URL(page.url()).pathname.startsWith(path) && idOf(path) !== "new" ? idOf(path) : null), `page below ${path}`);
const clean = async () => assert.deepEqual(await axe(page), []);

test("settings have a navigation of their own, and Escape leads back to where one was", async () => {
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "First steps", level: 1 }).waitFor();
  await page.getByText("6 of 6 done").waitFor();
  await clean();
  await page.getByRole("link", { name: "Item types" }).click();
  await page.getByRole("link", { name: "Post", exact: true }).waitFor();
  await clean();
  await page.keyboard.press("Escape");
  await page.waitForURL(/\/queues$/);
});

test("an item type is made, a fault stands at its field, and a change says what it breaks", async () => {
  await page.goto(`${BASE}/settings/item-types/new`);
  await page.getByLabel("Name", { exact: true }).fill(RECIPE);
  for (const [at, name] of ["title", "title"].entries()) {
    await page.getByRole("button", { name: /^Field/ }).click();
    await page.getByLabel(`Name of field ${at + 1}`).fill(name);
  }
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByText(/Two fields are named/).waitFor();
  await page.getByLabel("Name of field 2").fill("posted_at");
  await page.getByRole("combobox", { name: "Type of posted_at" }).click();
  await page.getByRole("option", { name: "Date and time", exact: true }).click();
  await page.getByRole("combobox", { name: "Role of posted_at" }).click();
  await page.getByRole("option", { name: "Created at" }).click();
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("/settings/item-types/");
  await page.getByRole("region", { name: "curl" }).getByText(id).waitFor();
  await page.getByLabel("title is required").check();
  await page.getByText(/title becomes required/).waitFor();
  await clean();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  const kept = await get(page, `/v1/item-types/${id}`);
  assert.deepEqual(kept.fieldRoles.createdAt, "posted_at");
  assert.equal(kept.fields.find((one) => one.name === "title").required, true);
  await page.getByRole("button", { name: "Bring back" }).first().click();
  await until(async () => !(await get(page, `/v1/item-types/${id}`)).fields[0].required, "version that was brought back");
});

test("leaving what is not saved is asked about", async () => {
  await page.getByLabel("About").fill("What people cook");
  await page.getByRole("link", { name: "Actions" }).click();
  await page.getByText("Leave without saving?").waitFor();
  await page.getByRole("button", { name: "Stay" }).click();
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("link", { name: "Actions" }).click();
  await page.getByRole("heading", { name: "Actions", level: 1 }).waitFor();
});

test("what nothing uses is removed", async () => {
  await page.goto(`${BASE}/settings/item-types?q=${encodeURIComponent(RECIPE)}`);
  await page.getByRole("link", { name: RECIPE, exact: true }).click();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/settings\/item-types$/);
  await page.getByRole("link", { name: "Post", exact: true }).waitFor();
  await page.goto(`${BASE}/settings/actions`);
});

test("a list is searched by its address", async () => {
  await page.getByLabel("Name or id").fill("remove");
  await page.waitForURL(/q=remove/);
  await page.getByRole("link", { name: "Remove", exact: true }).waitFor();
  await until(async () => (await page.getByRole("link", { name: "Warn author" }).count()) === 0, "list without others");
  await page.reload();
  await page.getByRole("link", { name: "Remove", exact: true }).waitFor();
  assert.equal(await page.getByLabel("Name or id").inputValue(), "remove");
});

test("an action is made, tried and its answer shown; what another saved meanwhile is not written over unseen", async () => {
  const known = await get(page, `/v1/actions/${DEMO.ids.actions.Remove}`);
  await page.goto(`${BASE}/settings/actions/new`);
  await page.getByLabel("Name", { exact: true }).fill(HIDE);
  await page.getByRole("combobox", { name: "For types" }).click();
  await page.getByRole("option", { name: "Post", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByLabel("Address").fill("http://10.0.0.1/hook");
  await page.getByRole("button", { name: /^Create/ }).click();
  await until(() => page.evaluate(() => document.querySelector('input[type="url"][aria-invalid="true"]') !== null), "fault at the address");
  await page.getByLabel("Address").fill(known.callbackUrl);
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("/settings/actions/");
  await page.getByRole("button", { name: /^Send/ }).click();
  await page.getByText(/^200 in \d+ ms$/).waitFor();
  await page.getByRole("region", { name: "Sent" }).getByText(/"trial": true/).waitFor();
  await clean();
  // What GET gave can be sent back as it came.
  const body = await get(page, `/v1/actions/${id}`);
  await page.getByLabel("About").fill("Mine");
  await call(page, "PUT", `/v1/actions/${id}`, { ...body, description: "Theirs" });
  await page.keyboard.press("Control+S");
  await page.getByText(/saved another version/).waitFor();
  await clean();
  await page.getByRole("button", { name: "Go on with mine" }).click();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  assert.equal((await get(page, `/v1/actions/${id}`)).description, "Mine");
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/settings\/actions$/);
});

test("what was delivered can be looked into", async () => {
  await page.goto(`${BASE}/settings/deliveries`);
  await page.getByRole("button", { name: "What became of it" }).first().click();
  await page.getByRole("region", { name: "Body" }).waitFor();
  await clean();
});

test("a key is shown once, is good at once, and is refused once it was revoked", async () => {
  await page.goto(`${BASE}/settings/keys`);
  await page.getByRole("button", { name: /^New key/ }).click();
  await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill(KEY);
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = (await page.getByRole("region", { name: "Your key" }).innerText()).trim();
  await page.getByRole("button", { name: "I have copied it" }).click();
  const sends = async () => {
    const items = [{ id: "key-test", typeId: DEMO.ids["item-types"].Profile, data: { name: "Key", handle: "key" } }];
    const answer = await fetch(`${process.env.COOP_INGEST_URL}/api/v1/items/async/`, { method: "POST", headers: { "X-API-KEY": key, "Content-Type": "application/json" }, body: JSON.stringify({ items }) });
    return answer.status;
  };
  // Whatever it thinks of the item: it knows the key.
  await until(async () => (await sends()) !== 401, "key that is known");
  await page.getByRole("button", { name: `Revoke… ${KEY}` }).click();
  await page.getByRole("button", { name: "Revoke now" }).click();
  await until(async () => (await sends()) === 401, "key that is refused");
  await clean();
});

test("somebody is invited by a link, and the invitation is withdrawn", async () => {
  await page.goto(`${BASE}/settings/users`);
  await page.getByRole("button", { name: /^Invite/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill(INVITED);
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Moderator", exact: true }).click();
  await dialog.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByRole("region", { name: "Link" }).getByText(/\/signup#/).waitFor();
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("button", { name: `Withdraw ${INVITED}` }).click();
  await until(async () => (await page.getByText(INVITED, { exact: true }).count()) === 0, "list without the invitation");
  await page.getByRole("button", { name: "Administrator", exact: true }).click();
  await page.getByText(/This is your own account/).waitFor();
  await clean();
});

test("a role of one's own is made, given more, and removed", async () => {
  await page.goto(`${BASE}/settings/roles`);
  await page.getByRole("button", { name: /^New role/ }).click();
  await page.getByLabel("Name", { exact: true }).fill(LEAD);
  await page.getByRole("checkbox", { name: `View Manual Review Tool for ${LEAD}` }).check();
  await clean();
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.waitForURL((url) => url.searchParams.get("role") !== "new" && url.searchParams.has("role"));
  await page.getByRole("checkbox", { name: `View Manual Review Metrics for ${LEAD}` }).check();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  const roles = (await get(page, "/v1/roles?limit=200")).items;
  assert.deepEqual(roles.find((one) => one.name === LEAD).permissions.toSorted(), ["VIEW_MRT", "VIEW_MRT_DATA"]);
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await until(async () => !(await get(page, "/v1/roles?limit=200")).items.some((one) => one.name === LEAD), "organisation without the role");
});

test("a policy stands below another one, and what rules use is not removed", async () => {
  await page.goto(`${BASE}/policies`);
  await page.getByRole("link", { name: /^Spam/ }).click();
  await page.getByRole("button", { name: "Policy below it" }).click();
  await page.getByLabel("Name", { exact: true }).fill(CHAIN);
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("/policies/");
  assert.equal((await get(page, `/v1/policies/${id}`)).parentId, DEMO.ids.policies.Spam);
  await page.getByRole("link", { name: CHAIN }).waitFor();
  await clean();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/policies$/);
  await page.getByRole("link", { name: /^Spam/ }).click();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByText(/need it|needs it/).waitFor();
  await page.getByRole("button", { name: "Keep it" }).click();
});

test("a queue is made for a role, and removed", async () => {
  await page.goto(`${BASE}/settings/queues/new`);
  await page.getByLabel("Name", { exact: true }).fill(RECIPES);
  await page.getByText(/Nobody but those who edit queues/).waitFor();
  await page.getByRole("combobox", { name: "Roles" }).click();
  await page.getByRole("option", { name: "Moderator", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByLabel("Second review").fill("7");
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("/settings/queues/");
  const kept = await get(page, `/v1/queues/${id}`);
  assert.deepEqual([kept.reviewerRoles, kept.openToEveryone, kept.secondReviewShare], [["MODERATOR"], false, 0.07]);
  await clean();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove the queue" }).click();
  await page.waitForURL(/\/settings\/queues$/);
});

test("the organisation's settings are saved, a refusal stands at its field, and the audit log has it", async () => {
  await page.goto(`${BASE}/settings/general`);
  await page.getByLabel("Time zone").fill("Mars/Olympus");
  await page.keyboard.press("Control+S");
  await until(() => page.evaluate(() => document.querySelector('input[aria-invalid="true"]') !== null), "fault at the time zone");
  await page.getByRole("button", { name: "Discard" }).click();
  const before = await get(page, "/v1/settings");
  const { undoWindow } = before;
  await page.getByLabel("Undo for").fill(String(undoWindow + 1));
  await clean();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  const said = (document) => Object.fromEntries(Object.entries(document).filter(([name]) => !/^(revision|updated)/.test(name)));
  assert.deepEqual(said(await get(page, "/v1/settings")), { ...said(before), undoWindow: undoWindow + 1 }, "everything else is as it was");
  await page.getByLabel("Undo for").fill(String(undoWindow));
  await page.keyboard.press("Control+S");
  await until(async () => (await get(page, "/v1/settings")).undoWindow === undoWindow, "window as it was");
  await page.goto(`${BASE}/settings/audit`);
  await page.getByRole("button", { name: "What was recorded" }).first().click();
  await page.getByText(/of the chain/).waitFor();
  await clean();
});

test("nothing was complained of by the browser, but what was refused on purpose", () => {
  assert.deepEqual(faults.filter((one) => !/status of 4(01|04|09|12|22)/.test(one)), []);
});
