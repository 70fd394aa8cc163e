// Rules: listed with what they ask, tried on words, put in another state and back, each change a revision.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, axe, call, get, open, signIn, until } from "./browser.mjs";

let session;
let rule;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "ADMIN", "/rules");
  const { page } = session;
  // Of its own, so that no other test meets it in a state that it does not expect.
  const [type] = (await get(page, "/v1/item-types")).items.filter((one) => one.name === "Comment");
  const input = { type: "CONTENT_FIELD", name: "text", contentTypeId: type.id };
  rule = await call(page, "POST", "/v1/rules", {
    name: `Zebras ${Date.now()}`,
    status: "BACKGROUND",
    itemTypeIds: [type.id],
    conditionSet: { conjunction: "AND", conditions: [{ input, signal: { type: "TEXT_MATCHING_CONTAINS_TEXT", id: JSON.stringify({ type: "TEXT_MATCHING_CONTAINS_TEXT" }) }, comparator: "EQUALS", threshold: true, matchingValues: { strings: ["zebra"] } }] },
  });
});
after(async () => {
  await call(session.page, "DELETE", `/v1/rules/${rule.id}`);
  await session.browser.close();
});

test("rules are listed with what they ask in words, and found by it", async () => {
  const { page } = session;
  await page.goto(`${BASE}/rules`);
  await page.getByRole("link", { name: "Plain scams" }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press("/");
  await page.keyboard.type("zebra");
  await page.waitForURL(/q=zebra/);
  await page.getByText("text contains “zebra”").first().waitFor();
  await page.getByRole("link", { name: "Plain scams" }).waitFor({ state: "detached" });
  await page.goto(`${BASE}/rules?q=nothing-of-the-kind`);
  await page.getByRole("heading", { name: "No rule fits this" }).waitFor();
  await page.getByRole("button", { name: "Clear" }).last().click();
  await page.getByRole("link", { name: "Plain scams" }).waitFor();
});

test("a rule is tried on words while they are written, and says what it found", async () => {
  const { page } = session;
  await page.goto(`${BASE}/rules/${rule.id}`);
  const field = page.getByLabel("text", { exact: true });
  await field.fill("A horse in stripes");
  await page.getByText("It does not match", { exact: true }).waitFor();
  await field.fill("A zebra in stripes");
  await page.getByText("It matches", { exact: true }).waitFor();
  await page.getByText("found “zebra”").waitFor();
  assert.deepEqual(await axe(page), []);
});

test("a state is changed by who may, after what it means was said; what changed meanwhile is never written over", async () => {
  const { page } = session;
  await page.goto(`${BASE}/rules/${rule.id}`);
  await page.getByRole("button", { name: "Make live" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("It acts on items from now on.").waitFor();
  // Somebody else, in the moment before.
  const now = await get(page, `/v1/rules/${rule.id}`);
  const { name, status, itemTypeIds, conditionSet } = now;
  await call(page, "PUT", `/v1/rules/${rule.id}`, { name, status, itemTypeIds, conditionSet, description: "Stripes." });
  await dialog.getByRole("button", { name: "Make live" }).click();
  await dialog.getByText(/changed it at .*look at it again/).waitFor();
  assert.equal((await get(page, `/v1/rules/${rule.id}`)).status, "BACKGROUND");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Stripes.").first().waitFor();
  await page.getByRole("button", { name: "Make live" }).click();
  await dialog.getByRole("button", { name: "Make live" }).click();
  await dialog.waitFor({ state: "detached" });
  await until(async () => (await get(page, `/v1/rules/${rule.id}`)).status === "LIVE", "live rule");
});

test("its revisions say who changed what, and one is gone back to", async () => {
  const { page } = session;
  await page.goto(`${BASE}/rules/${rule.id}`);
  await page.getByText("as it is now").waitFor();
  await page.getByRole("button", { name: "Compare with now" }).last().click();
  await page.getByRole("deletion").first().waitFor();
  await page.getByRole("button", { name: /^Restore r/ }).click();
  await until(async () => (await get(page, `/v1/rules/${rule.id}`)).status === "BACKGROUND", "restored rule");
  await page.getByRole("button", { name: "Make live" }).waitFor();
});

test("a rule of which nothing is known goes live by two people, where the organisation wants them", async () => {
  const { page } = session;
  const [type] = (await get(page, "/v1/item-types")).items.filter((one) => one.name === "Comment");
  const settings = await get(page, "/v1/settings");
  const [action] = (await get(page, "/v1/actions")).items.filter((one) => one.actionType === "CUSTOM_ACTION" && (one.itemTypeIds ?? []).includes(type.id) && (one.parameters ?? []).length === 0);
  const { name, itemTypeIds, conditionSet } = rule;
  const waits = await call(page, "POST", "/v1/rules", { name: `${name} twice`, status: "BACKGROUND", itemTypeIds, conditionSet, actionIds: [action.id] });
  await call(page, "PUT", "/v1/settings", { ...settings, ruleApprovalAbove: 10 });
  const second = await open();
  second.page.setDefaultTimeout(45_000);
  try {
    await page.goto(`${BASE}/rules/${waits.id}`);
    await page.getByRole("button", { name: "Make live" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("one person decide up to 10 items a day").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Make live" }).count(), 0);
    await dialog.getByLabel("Why, for who approves it").fill("Stripes tonight");
    assert.deepEqual(await axe(page), []);
    await dialog.getByRole("button", { name: "Ask for approval" }).click();
    await page.getByRole("heading", { name: "Waits for a second person" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Approve, it acts from now on" }).count(), 0);
    await signIn(second.page, "RULES_MANAGER", `/rules/${waits.id}`);
    await second.page.getByText("Stripes tonight").waitFor();
    assert.deepEqual(await axe(second.page), []);
    await second.page.getByRole("button", { name: "Approve, it acts from now on" }).click();
    await until(async () => (await get(page, `/v1/rules/${waits.id}`)).status === "LIVE", "rule made live by two people");
    await second.page.getByText(/asked for by/).waitFor();
  } finally {
    await second.browser.close();
    await call(page, "PUT", "/v1/settings", { ...settings, ruleApprovalAbove: null });
    await call(page, "DELETE", `/v1/rules/${waits.id}`);
  }
});

test("whoever may not change live rules is told whom to ask, and sees the rule", async () => {
  const other = await open();
  other.page.setDefaultTimeout(45_000);
  await signIn(other.page, "ANALYST", `/rules/${rule.id}`);
  await other.page.getByRole("heading", { name: rule.name }).waitFor();
  assert.equal(await other.page.getByRole("button", { name: "Make live" }).count(), 0);
  await other.browser.close();
});
