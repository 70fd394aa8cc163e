// What became of reports to NCMEC, who looked at one, and the settings by which they are filed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, get, open, signIn, until } from "./browser.mjs";

let session;
let tip;
before(async () => {
  session = await open();
  const { page } = session;
  page.setDefaultTimeout(90_000);
  await signIn(page, "ADMIN", "/queues");
  tip = await until(async () => (await get(page, "/v1/cybertips?progress=FILED")).items?.find((one) => one.user.id === "testcard"), "report of the demo that was filed");
});
after(() => session.browser.close());

test("the list says what became of each, its filter is in the address, and an empty part says so", async () => {
  const { page } = session;
  await page.goto(`${BASE}/child-safety`);
  await page.getByRole("link", { name: "testcard" }).waitFor();
  await page.getByText(tip.reportId).waitFor();
  await page.getByText("Need a person").click();
  await page.waitForURL(/progress=NEEDS_ATTENTION/);
  await page.getByText("No report is in this part").or(page.getByText("Needs a person").first()).waitFor();
  await page.getByText("Filed", { exact: true }).first().click();
  await page.waitForURL(/progress=FILED/);
  await page.getByRole("link", { name: "testcard" }).waitFor();
  assert.deepEqual(await axe(page), []);
});

test("a report has its history, its receipt, and who looked, and reading the receipt is one look more", async () => {
  const { page } = session;
  await page.getByRole("link", { name: "testcard" }).click();
  await page.getByRole("heading", { name: "Report of testcard" }).waitFor();
  await page.getByText(`Filed as no. ${tip.reportId}`).waitFor();
  await page.getByText(/^finish: answered/).waitFor();
  await page.getByText(/saw a medium, in colour/).first().waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Read the receipt" }).click();
  await page.getByRole("dialog").getByText(/reportDoneResponse/).waitFor();
  await page.keyboard.press("Escape");
  const { items } = await get(page, `/v1/cybertips/${tip.id}/looks`);
  assert.ok(items.some((one) => one.what === "RECEIPT" && one.actorPerson?.name === "Administrator"));
});

test("its evidence is held with a reason, and only then is nobody offered to destroy it", async () => {
  const { page } = session;
  await page.goto(`${BASE}/child-safety/${tip.id}`);
  await page.getByRole("button", { name: "Ask for its destruction" }).waitFor();
  await page.getByRole("button", { name: "Place a hold" }).click();
  await page.getByLabel(/^Why it is kept/).fill("Case 12 at the county court");
  await page.getByRole("button", { name: "Hold it" }).click();
  await page.getByText("Case 12 at the county court").waitFor();
  await page.getByText(/placed a hold/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Ask for its destruction" }).count(), 0);
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Lift the hold" }).click();
  await page.getByRole("button", { name: "Ask for its destruction" }).click();
  await page.getByRole("dialog").getByText("A second person has to confirm it.").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Cancel" }).click();
});

test("the settings say what is missing, keep what is saved, and never show the password", async () => {
  const { page } = session;
  await page.goto(`${BASE}/settings/ncmec`);
  const url = page.getByLabel(/^Legal URL/);
  await url.waitFor();
  assert.equal(await page.getByLabel(/^Password/).first().inputValue(), "");
  const before = await url.inputValue();
  assert.deepEqual(await axe(page), []);
  await url.fill("");
  await page.getByText("1 missing").waitFor();
  await page.getByRole("button", { name: /^Save/ }).click();
  await page.getByText("is needed before reporting is enabled").waitFor();
  await url.fill(`${before}#children`);
  await page.keyboard.press("Control+s");
  await page.getByText("Saved.").waitFor();
  await page.reload();
  await url.waitFor();
  assert.equal(await url.inputValue(), `${before}#children`);
  await url.fill(before);
  await page.keyboard.press("Control+s");
  await page.getByText("Saved.").waitFor();
  const stored = await get(page, "/v1/ncmec-settings");
  assert.deepEqual([stored.enabled, stored.hasPassword, stored.legalUrl], [true, true, before]);
});
