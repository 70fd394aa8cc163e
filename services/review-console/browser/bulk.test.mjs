// Bulk actions: ordered by ids, looked at, and only then carried out; what waits and runs is under Operations.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, DEMO, axe, call, get, item, open, send, signIn, until, user } from "./browser.mjs";

let session;
const name = `bulk${Date.now() % 1_000_000}`;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "ADMIN", "/bulk-actions");
  const at = new Date().toISOString();
  await send("items/async/", { items: [1, 2].map((place) => item(`${name}-${place}`, "Comment", { text: `${name} number ${place}`, author: user(`${name}-author`), created_at: at })) });
});
after(async () => {
  await session.browser.close();
  assert.deepEqual(session.faults, []);
});

async function choose(field, option) {
  const { page } = session;
  await page.getByLabel(field, { exact: true }).first().fill(option);
  await page.getByRole("option", { name: option, exact: true }).click();
}

test("ids that are pasted are acted on once the number was confirmed, and each says what became of it", async () => {
  const { page } = session;
  await page.getByRole("button", { name: /^New bulk action/ }).first().waitFor();
  await page.keyboard.press("c");
  await page.waitForURL(/new=true/);
  await choose("Type of items", "Comment");
  await choose("Actions", "Remove");
  await page.keyboard.press("Escape");
  await page.getByLabel("Ids of the items").fill(`${name}-1\n${name}-2\n${name}-2\n`);
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("2 items would be acted on").waitFor();
  await page.getByText(/1 id stood there more than once/).waitFor();
  const before = (await get(page, "/v1/bulk-actions")).items.find((one) => one.state === "PREVIEW");
  assert.equal(before.requested, 0);
  await page.getByRole("button", { name: "Act on 2 items" }).click();
  await page.waitForURL(new RegExp(`id=${before.id}`));
  await until(async () => (await get(page, `/v1/bulk-actions/${before.id}`)).state === "COMPLETE", "bulk action that is through");
  await page.getByText("complete", { exact: true }).first().waitFor();
  await page.getByText(/^(asked for|on its way|delivered)$/).first().waitFor();
  assert.equal((await get(page, `/v1/bulk-actions/${before.id}`)).requested, 2);
  assert.deepEqual(await axe(page), []);
});

test("what waits to be confirmed stands under Operations, leads there, and is ended there", async () => {
  const { page } = session;
  const made = await call(page, "POST", "/v1/bulk-actions", { itemTypeId: DEMO.ids["item-types"].Comment, actionIds: [DEMO.ids.actions.Remove], itemIds: [`${name}-1`], note: `Waits ${name}` });
  await page.goto(`${BASE}/settings/operations`);
  await page.getByRole("listitem").filter({ hasText: `Waits ${name}` }).getByRole("link", { name: "Bulk action" }).click();
  await page.waitForURL(new RegExp(`/bulk-actions\\?id=${made.id}`));
  await page.getByRole("button", { name: "End it" }).click();
  await page.getByText("ended early").first().waitFor();
  await page.goto(`${BASE}/settings/operations`);
  await page.getByRole("heading", { name: "Waiting for a person" }).waitFor();
  await page.getByText("Nothing waits to be confirmed.").or(page.getByRole("region", { name: "Waiting for a person" }).getByRole("listitem").first()).first().waitFor();
  assert.equal(await page.getByText(`Waits ${name}`).count(), 0);
  assert.deepEqual(await axe(page), []);
});
