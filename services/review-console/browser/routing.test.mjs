// Routing, as a manager of moderators meets it: rules in their order, moved by keys and by the pointer, tried on an item.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, DEMO, get, open, signIn, until } from "./browser.mjs";

let browser;
let page;
let faults;

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const [FIRST, SECOND] = [`Ants ${mark}`, `Bees ${mark}`];
const WORD = `quokka${mark}`;
const ids = {};

const condition = { conjunction: "AND", conditions: [{ input: { type: "CONTENT_COOP_INPUT", name: "All text" }, signal: { id: '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}', type: "TEXT_MATCHING_CONTAINS_TEXT" }, matchingValues: { strings: [WORD] }, comparator: "EQUALS", threshold: true }] };
const body = (name, status) => ({ name, status, itemTypeIds: [DEMO.ids["item-types"].Post], conditionSet: condition, destinationQueueId: DEMO.ids.queues.Spam });
const line = (name) => page.getByRole("listitem").filter({ hasText: name });
const clean = async () => assert.deepEqual(await axe(page), []);
/** The two of this run, in the order in which they are tried. */
const order = async () => {
  const { items } = await get(page, "/v1/routing-rules?limit=200");
  return items.toSorted((a, b) => a.sequenceNumber - b.sequenceNumber).flatMap(({ name }) => ([FIRST, SECOND].includes(name) ? [name] : []));
};

before(async () => {
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(60_000);
  await signIn(page, "MODERATOR_MANAGER", "/queues");
  for (const name of [FIRST, SECOND]) ids[name] = (await call(page, "POST", "/v1/routing-rules", body(name, "DRAFT"))).id;
});
after(async () => {
  for (const id of Object.values(ids)) await call(page, "DELETE", `/v1/routing-rules/${id}`).catch(() => undefined);
  await browser.close();
});

test("rules stand in their order, each with what it asks and where it leads; the last line is everything else", async () => {
  await page.goto(`${BASE}/routing`);
  await line(FIRST).getByText(new RegExp(WORD)).waitFor();
  await line(FIRST).getByText("Draft, not tried").waitFor();
  await page.getByText("Everything else").waitFor();
  await clean();
});

test("a rule is moved by keys: it is said, and acts once it is saved", async () => {
  await line(SECOND).getByRole("link").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await page.getByText(new RegExp(`${SECOND} is at place \\d+ of \\d+, not saved yet`)).waitFor({ state: "attached" });
  assert.deepEqual(await order(), [FIRST, SECOND]);
  await page.keyboard.press("Control+S");
  await until(async () => (await order())[0] === SECOND, "order that was saved");
  await page.getByRole("button", { name: /^Save the order/ }).waitFor({ state: "detached" });
});

test("a rule is moved by the pointer, and an order that was not saved is asked about", async () => {
  await line(FIRST).locator("[draggable]").dragTo(line(SECOND));
  await page.getByRole("button", { name: /^Save the order/ }).waitFor();
  await page.getByRole("link", { name: "Rules", exact: true }).click();
  await page.getByText("Leave without saving?").waitFor();
  await page.getByRole("button", { name: "Stay" }).click();
  await page.getByRole("button", { name: /^Save the order/ }).click();
  await until(async () => (await order())[0] === FIRST, "order that was saved");
});

test("a rule is changed in its form; what another saved meanwhile is not written over unseen", async () => {
  await line(FIRST).getByRole("link").click();
  await page.getByLabel("About").fill("Mine");
  await call(page, "PUT", `/v1/routing-rules/${ids[FIRST]}`, { ...body(FIRST, "DRAFT"), description: "Theirs" });
  await page.keyboard.press("Control+S");
  await page.getByText(/saved another version/).waitFor();
  await clean();
  await page.getByRole("button", { name: "Go on with mine" }).click();
  await page.getByRole("combobox", { name: "State" }).click();
  await page.getByRole("option", { name: /^Live/ }).click();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  const kept = await get(page, `/v1/routing-rules/${ids[FIRST]}`);
  assert.deepEqual([kept.description, kept.status, kept.sequenceNumber > 0], ["Mine", "LIVE", true]);
});

test("what it asks is built as a rule's condition is, of policies and senders too, and a fault stands where it is", async () => {
  await page.getByRole("button", { name: /^Condition in the rule/ }).click();
  const looks = page.getByRole("combobox", { name: "What condition 2 looks at" });
  await looks.click();
  await page.getByRole("option", { name: "Policy", exact: true }).click();
  await page.getByRole("combobox", { name: "Comparison of condition 2" }).click();
  await page.getByRole("option", { name: "is", exact: true }).click();
  await page.keyboard.press("Control+S");
  await page.locator('[data-fault="/conditions/1"]').getByText("is missing").waitFor();
  await page.getByRole("combobox", { name: "Value of condition 2" }).click();
  await page.getByRole("option", { name: "Harassment › Threats", exact: true }).click();
  await page.getByText("Relevant Policy is “Harassment › Threats”").waitFor();
  await clean();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
  const { conditionSet } = await get(page, `/v1/routing-rules/${ids[FIRST]}`);
  assert.deepEqual([conditionSet.conditions[1].input.name, conditionSet.conditions[1].threshold], ["Relevant Policy", DEMO.ids.policies.Threats]);
  await page.getByRole("button", { name: "Remove condition 2" }).click();
  await page.keyboard.press("Control+S");
  await page.getByRole("button", { name: "Saved" }).waitFor();
});

test("an item is tried: where it would go, and what each rule said of it", async () => {
  await page.getByRole("link", { name: /^Routing/ }).first().click();
  await page.getByRole("combobox", { name: "Type of item" }).click();
  await page.getByRole("option", { name: "Post", exact: true }).click();
  await page.getByLabel("text", { exact: true }).fill(`A ${WORD} sat there`);
  await page.getByRole("button", { name: "Say where it goes" }).click();
  await page.getByText("To Spam", { exact: true }).waitFor();
  await page.getByText(`because of ${FIRST}`).waitFor();
  await clean();
});

test("what nothing uses is removed", async () => {
  await page.goto(`${BASE}/routing/${ids[SECOND]}`);
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/routing$/);
  await line(FIRST).waitFor();
  await until(async () => (await line(SECOND).count()) === 0, "list without it");
});

test("no page broke", () => assert.deepEqual(faults.filter((one) => !/4(04|09|12|22)/.test(one)), []));
