// The rule builder: built by keys alone, tried before it is saved, its faults at their conditions, measured
// on past days; what another saved meanwhile is never written over unseen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, axe, call, get, idIn, item, jobAbout, open, report, send, signIn, until, user } from "./browser.mjs";

let session;
let made;
const name = `Built ${Date.now()}`;
const word = `quagga${Date.now() % 1_000_000}`;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "ADMIN", "/rules");
  // With a link: what no rule matches is recorded in samples only.
  const data = { text: `A ${word} for sale: https://quaggas.example`, author: user(`${word}-author`), created_at: new Date().toISOString() };
  await send("items/async/", { items: [item(`${word}-1`, "Comment", data)] });
  await report(item(`${word}-1`, "Comment", data), "Spam");
});
after(async () => {
  if (made) await call(session.page, "DELETE", `/v1/rules/${made}`);
  await session.browser.close();
});

test("a rule is built by keys alone, its sentence beside it, and every fault at its condition", async () => {
  const { page } = session;
  await page.goto(`${BASE}/rules`);
  await page.getByRole("button", { name: /^New rule/ }).waitFor();
  await page.keyboard.press("c");
  await page.waitForURL(/\/rules\/new/);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("combobox", { name: "Looks at" }).fill("Comment");
  await page.getByRole("option", { name: "Comment", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Start with Text contains text" }).press("Enter");
  await page.getByText("has nothing to look for").waitFor();
  await page.getByRole("button", { name: "▲ 1 fault" }).waitFor();
  const looks = page.getByRole("combobox", { name: "What condition 1 looks for" });
  await looks.fill(word);
  await looks.press("Enter");
  await page.getByText("has nothing to look for").waitFor({ state: "detached" });
  await page.locator("p button", { hasText: `All text contains “${word}”` }).waitFor();
  await page.getByRole("button", { name: /^Condition 1:/ }).focus();
  await page.keyboard.press("Shift+A");
  const second = page.getByRole("combobox", { name: "What condition 2.1 looks for" });
  await second.fill("sale");
  await second.press("Enter");
  await page.getByRole("button", { name: /^Condition 2\.1:/ }).focus();
  await page.keyboard.press("n");
  await page.getByText(`not (All text contains`).waitFor();
  await page.keyboard.press("n");
  await page.keyboard.press("Alt+ArrowUp");
  await page.getByRole("button", { name: /^Condition 2:.*sale/ }).waitFor();
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^Condition 2:.*sale/);
  await page.keyboard.press("Control+z");
  await page.getByRole("button", { name: /^Condition 2\.1:.*sale/ }).waitFor();
  assert.deepEqual(await axe(page), []);
});

test("it is tried on words and on what was sent, from the draft; a reload loses nothing", async () => {
  const { page } = session;
  await page.getByLabel("text", { exact: true }).fill(`One ${word} on sale`);
  await page.getByText("It matches", { exact: true }).waitFor();
  await page.getByRole("img", { name: "matched", exact: true }).first().waitFor();
  await until(async () => (await get(page, `/v1/evaluations?itemTypeId=${(await get(page, "/v1/item-types")).items.find((one) => one.name === "Comment").id}&limit=40`)).items.some((one) => one.item.id === `${word}-1`), "evaluation");
  await page.getByRole("button", { name: /Try on them/ }).click();
  await page.getByRole("button", { name: new RegExp(`It matches.*${word}`) }).click();
  await page.getByText("It matches", { exact: true }).waitFor();
  page.once("dialog", (dialog) => dialog.accept());
  await page.reload();
  await page.getByText("is here again").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), name);
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.waitForURL(/\/rules\/[^/]+\/edit/);
  made = new URL(page.url()).pathname.split("/").at(-2);
  assert.equal((await get(page, `/v1/rules/${made}`)).status, "DRAFT");
});

test("a backtest is followed to its end, with what the live rule did not match, and measured by what people decided", async () => {
  const { page } = session;
  // Somebody left it as it is: to match it is wrong.
  const job = await jobAbout(page, `${word}-1`);
  const { lease } = await call(page, "POST", `/v1/jobs/${job.id}/claims`);
  const decision = await call(page, "POST", `/v1/jobs/${job.id}/decisions`, { leaseToken: lease.token, components: [{ type: "IGNORE" }] });
  await until(() => decision.leavesAt === null || Date.now() > Date.parse(decision.leavesAt), "decision that can no longer be undone");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByText(/complete/).waitFor({ timeout: 120_000 });
  const [backtest] = (await get(page, `/v1/backtests?ruleId=${made}`)).items;
  assert.ok(backtest.counts.passed >= 1);
  await page.getByText(`matched of ${backtest.counts.evaluated.toLocaleString("en-GB")}`).waitFor();
  assert.ok(backtest.measured.matchedLeft >= 1, JSON.stringify(backtest.measured));
  const measured = page.getByRole("region", { name: "Against what people decided" });
  await measured.getByText(/precision: people acted on/).waitFor();
  await measured.getByText(`${word}-1`).waitFor();
  assert.equal(await measured.getByRole("link", { name: "people left it: the job" }).first().getAttribute("href"), `/jobs/${job.id}`);
  assert.deepEqual(await axe(page), []);
});

test("what another saved meanwhile is shown and not written over; leaving with changes is asked about", async () => {
  const { page } = session;
  const { status, itemTypeIds, conditionSet } = await get(page, `/v1/rules/${made}`);
  await call(page, "PUT", `/v1/rules/${made}`, { name, status, itemTypeIds, conditionSet, description: "Theirs." });
  await page.getByLabel("Description", { exact: true }).fill("Mine.");
  await page.getByRole("button", { name: /^Save/ }).click();
  await page.getByText(/saved another version/).waitFor();
  assert.equal((await get(page, `/v1/rules/${made}`)).description, "Theirs.");
  await page.getByRole("button", { name: "Take theirs" }).click();
  assert.equal(await page.getByLabel("Description", { exact: true }).inputValue(), "Theirs.");
  await page.getByLabel("Description", { exact: true }).fill("Mine after all.");
  await page.getByRole("link", { name: "Matches and revisions" }).click();
  await page.getByRole("button", { name: "Leave, lose changes" }).click();
  await page.getByRole("heading", { name, exact: true }).waitFor();
  assert.equal(idIn(page), made);
  assert.deepEqual(session.faults.filter((one) => !/412|422/.test(one)), []);
});
