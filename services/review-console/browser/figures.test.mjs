// Review analytics and quality: what is asked, what is in the address, whose numbers one sees.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, open, signIn, until } from "./browser.mjs";

let lead;
before(async () => {
  lead = await open();
  lead.page.setDefaultTimeout(45_000);
  await signIn(lead.page, "MODERATOR_MANAGER", "/analytics?span=30d");
});
after(async () => {
  await lead.browser.close();
  assert.deepEqual(lead.faults.filter((one) => !/status of (4|5)\d\d/.test(one)), []);
});

const table = (page, name) => page.getByRole("region", { name, exact: true }).getByRole("table");

test("what was decided by queue sums up to what the API counts, and leads to those decisions", async () => {
  const { page } = lead;
  await table(page, "By queue").waitFor();
  const rows = table(page, "By queue").getByRole("row");
  const headline = page.getByRole("heading", { name: "Decisions", exact: true }).locator("xpath=../div/b");
  // Both of one moment: what is decided meanwhile changes both, and they are asked for one after the other.
  const read = async () => ({ total: Number((await headline.textContent()).replaceAll(/\D/g, "")), lines: await rows.evaluateAll((all) => all.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent))) });
  await until(async () => {
    const { total, lines } = await read();
    return total > 0 && lines.reduce((sum, [, , count]) => sum + Number(count.replaceAll(/\D/g, "")), 0) === total;
  }, "queues that sum up to the headline");
  await rows.nth(1).getByRole("link").click();
  await page.waitForURL(/\/decisions\?.*queue=/);
  await page.locator("tbody tr").first().waitFor();
  await page.goBack();
  await table(page, "By queue").waitFor();
});

test("a queue that is chosen is in the address, and all parts are of it", async () => {
  const { page } = lead;
  const asked = [];
  const note = (request) => /\/v1\/analytics\//.test(request.url()) && asked.push(request);
  page.on("request", note);
  await page.getByRole("combobox", { name: "Queues" }).or(page.getByRole("textbox", { name: "Queues" })).first().click();
  await page.getByRole("option", { name: "Spam" }).click();
  await page.waitForURL(/queue=/);
  await page.keyboard.press("Escape");
  // What was there before stays until the answer is.
  await until(async () => (await table(page, "By queue").getByRole("row").count()) === 2, "table of one queue");
  await page.waitForLoadState("networkidle");
  page.off("request", note);
  const queue = JSON.parse(new URL(page.url()).searchParams.get("queue"))[0];
  assert.ok(asked.length >= 5);
  for (const request of asked) assert.ok(request.method() === "GET" ? request.url().includes(`queueId=${queue}`) : request.postData().includes(queue), request.url());
  await page.reload();
  await page.getByText("Spam").first().waitFor();
  assert.deepEqual(await axe(page), []);
});

test("times are shown as people say them, and a file has them in seconds", async () => {
  const { page } = lead;
  await page.goto(`${BASE}/analytics?span=30d`);
  await table(page, "By queue").getByText(/^\d+ (s|min \d\d|h \d\d|d \d+ h)$/).first().waitFor();
  await page.getByRole("button", { name: "More for By queue" }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Save as CSV" }).click()]);
  const text = await (await file.createReadStream()).toArray().then((parts) => Buffer.concat(parts).toString());
  assert.match(text.split("\r\n")[0], /Handling, median \(seconds\)/);
  assert.match(text, /,\d+,\d+,\d+,\d+,\d+,\d+,\d+\r\n/);
});

test("whoever leads nobody sees their own line and nobody else's", async () => {
  const one = await open();
  try {
    const { page } = one;
    await signIn(page, "MODERATOR", "/analytics?span=30d");
    await page.getByRole("heading", { name: "You", exact: true }).waitFor();
    await page.waitForLoadState("networkidle");
    const { user } = await call(page, "GET", "/v1/session");
    const names = await page.getByRole("region", { name: "You", exact: true }).getByRole("row").allTextContents();
    assert.ok(names.length <= 2 && names.slice(1).every((text) => text.startsWith(user.name)), names.join());
    await page.goto(`${BASE}/quality?group=REVIEWER`);
    await page.getByText("By person, policy or action is shown to whoever edits queues.").waitFor();
    assert.equal(await page.getByRole("heading", { name: "Golden items, by person" }).count(), 0);
    assert.deepEqual(one.faults, []);
  } finally {
    await one.browser.close();
  }
});

test("one part that fails says so with its request, and the others stay", async () => {
  const { page } = lead;
  await page.route("**/v1/analytics/decision-table*", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", json: { type: "/problems/forbidden", title: "Forbidden", status: 403, detail: "not yours", requestId: "req-0123456789abcdef" } }));
  await page.goto(`${BASE}/analytics?span=30d`);
  const part = page.getByRole("region", { name: "What was decided, by queue" });
  await part.getByText("You may not do this. Not yours.").waitFor();
  assert.equal(await part.getByRole("button", { name: /^Copy / }).getAttribute("title"), "req-0123456789abcdef");
  await table(page, "By queue").waitFor();
  await page.unroute("**/v1/analytics/decision-table*");
  await part.getByRole("button", { name: "Try again" }).click();
  await part.getByRole("table").waitFor();
});

test("a decision is named golden, stands among the golden items, and is retired", async () => {
  const { page } = lead;
  await page.goto(`${BASE}/decisions?source=${encodeURIComponent('["MRT_JOB"]')}`);
  await page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
  await page.getByRole("button", { name: "Name it golden" }).click();
  const note = `Plainly so. ${Date.now()}`;
  await page.getByLabel("Why this is right").fill(note);
  await page.getByRole("button", { name: "Name it golden" }).click();
  await page.getByText("It is a golden item now.").waitFor();
  await page.goto(`${BASE}/quality`);
  const row = page.getByRole("row", { name: new RegExp(note) });
  await row.waitFor();
  assert.deepEqual(await axe(page), []);
  await row.getByRole("button", { name: /^Retire/ }).click();
  await row.getByText("Retired").waitFor();
});

test("what two decisions are compared by is in the address", async () => {
  const { page } = lead;
  await page.getByRole("button", { name: "Policies", exact: true }).click();
  await page.waitForURL(/as=POLICIES/);
  await page.reload();
  await page.getByRole("button", { name: "Policies", exact: true, pressed: true }).waitFor();
  await page.getByRole("button", { name: "Person", exact: true }).click();
  await page.waitForURL(/group=REVIEWER/);
  await page.getByRole("region", { name: "What became of decisions" }).getByRole("row", { name: /^Person/ }).waitFor();
});

for (const [zone, day, hours] of [
  ["Europe/Berlin", "2026-10-25", 25],
  ["Europe/Berlin", "2026-03-29", 23],
  ["America/St_Johns", "2026-11-01", 25],
  ["Asia/Kolkata", "2026-10-25", 24],
]) {
  test(`a day of ${hours} hours has as many bars in ${zone}, each named by that zone's clocks`, async () => {
    const { page } = lead;
    await page.evaluate((zone) => localStorage.setItem("coop.preference", JSON.stringify({ ...JSON.parse(localStorage.getItem("coop.preference") ?? "{}"), timeZone: zone })), zone);
    await page.route("**/v1/me/preferences", (route) => route.fulfill({ json: { items: [] } }));
    await page.goto(`${BASE}/overview?from=${day}&to=${day}&by=HOUR`);
    await page.getByRole("button", { name: "Show Total actions as a table" }).click();
    const rows = page.getByRole("region", { name: "Total actions" }).locator("tbody tr");
    await rows.first().waitFor();
    const labels = await rows.locator("td:first-child").allTextContents();
    assert.equal(labels.length, hours);
    assert.match(labels[0], /00:00$/);
    assert.match(labels.at(-1), /23:00$/);
    if (hours === 25) assert.ok(labels.some((label, index) => label === labels[index + 1]), "one hour comes twice");
    await page.unroute("**/v1/me/preferences");
  });
}
