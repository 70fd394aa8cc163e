// A child-safety job from its first look to the report at the simulator: categories by key, labels, messages,
// what is missing in words, the typed id, and nothing clear before somebody chose it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, emptyHanded, get, open, signIn, until } from "./browser.mjs";
import { childSafetyJob } from "./child.mjs";

let session;
let job;
const asked = [];
before(async () => {
  session = await open();
  const { page } = session;
  page.setDefaultTimeout(90_000);
  page.on("request", (request) => asked.push(request.url()));
  await signIn(page, "CHILD_SAFETY_MODERATOR", "/queues");
  await emptyHanded(page);
  job = await childSafetyJob(page, `shapes-${Date.now()}`);
});
after(() => session.browser.close());

const stages = () => asked.filter((url) => /\/v1\/media\/[^/]+\?/.test(url)).map((url) => new URL(url).searchParams.get("stage"));
const send = (page) => page.getByRole("button", { name: "Send test report of this account" });
const told = (page) => page.locator("#child-lack");

async function show(page) {
  await page.goto(`${BASE}/jobs/${job.id}`);
  await page.getByRole("heading", { name: "All media" }).waitFor();
  await page.getByText(/of \d+ looked at/).waitFor();
}

/** Presses until it counts: keys do nothing for a job that was on the screen for less than a moment. */
async function choose(page, key, name) {
  const row = page.getByRole("radio", { name });
  await until(async () => {
    if ((await row.getAttribute("aria-checked")) === "true") return true;
    await page.keyboard.press(key);
    await page.waitForTimeout(200);
    return (await row.getAttribute("aria-checked")) === "true";
  }, `category ${key}`);
}

test("all media of the user are there, none clear, none in the list, and the report says what it still needs", async () => {
  const { page } = session;
  asked.length = 0;
  await show(page);
  await page.getByAltText(/Picture, veiled/).waitFor();
  assert.deepEqual([...new Set(stages())], ["veiled"]);
  assert.equal(await page.getByRole("listitem").filter({ has: page.locator("img") }).count(), 0);
  assert.equal(await page.getByRole("button", { name: /^Medium \d+ ?no category ?not yet$/ }).count(), 3);
  assert.equal(await told(page).textContent(), "Give a medium a category, take messages, or write details.");
  assert.equal(await send(page).getAttribute("aria-disabled"), "true");
  await page.getByText("TEST environment.").waitFor();
});

test("a category by its key, labels, messages: kept as a draft, and never sent by a key", async () => {
  const { page } = session;
  await choose(page, "l", /^B1/);
  await page.keyboard.press("i");
  await page.keyboard.type("Vir");
  await page.getByRole("option", { name: "Viral" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Medium 1 ?B1/ }).waitFor();
  await page.getByRole("tab", { name: /^Messages/ }).click();
  await page.getByRole("button", { name: "Take all" }).click();
  await page.getByText("3 messages, 3 in the report").waitFor();
  await page.getByRole("tab", { name: /^Why it is here/ }).click();
  await page.getByText("Shapes of a test.").first().waitFor();
  await page.getByText("draft kept, not sent").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Enter");
  await page.reload();
  await page.getByRole("button", { name: /^Medium 1 ?B1/ }).waitFor();
  await page.getByText("1 medium, 3 messages").waitFor();
  assert.equal((await get(page, `/v1/jobs/${job.id}`)).state, "PENDING");
});

test("axe finds nothing on it", async () => assert.deepEqual(await axe(session.page), []));

test("grey is no look; colour is, by its own key, and the id that was typed opens the way to the simulator", async () => {
  const { page } = session;
  const field = page.getByLabel(/^Type the user id/);
  await page.getByRole("heading", { name: /^Picture 1 of 3/ }).focus();
  await page.keyboard.press("b");
  await page.getByAltText(/Picture as sent/).waitFor();
  assert.match(await told(page).textContent(), /^Look at/);
  await page.keyboard.press("c");
  await page.getByText("1 of 3 looked at").waitFor();
  await page.getByText("enough, at least 1").waitFor();
  await until(async () => (await told(page).textContent()) === "Type the id of the account.", "last thing that is missing");
  await page.getByRole("button", { name: "Add a victim" }).click();
  await page.getByPlaceholder("Id of the account").fill("a-child");
  await page.getByLabel("Age", { exact: true }).fill("11");
  await field.fill(job.itemId.slice(0, -1));
  await page.getByText("One character to go. Pasting is allowed.").waitFor();
  await field.fill(`${job.itemId}x`);
  await page.getByText("This is not the id of this account.").waitFor();
  assert.equal(await send(page).getAttribute("aria-disabled"), "true");
  await field.fill(job.itemId);
  await page.getByText("This is the id.").waitFor();
  const [sent] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/decisions") && one.method() === "POST"), send(page).click()]);
  const [{ type, report }] = sent.postDataJSON().components;
  assert.equal(type, "SUBMIT_NCMEC_REPORT");
  assert.deepEqual([report.environment, report.confirmedUserId, report.media.map((one) => [one.classification, one.annotations])], ["TEST", job.itemId, [["B1", ["VIRAL"]]]]);
  assert.equal(report.threads[0].messages.length, 3);
  assert.deepEqual(report.victims.map((one) => [one.user.id, one.age]), [["a-child", 11]]);
  const filed = await until(async () => (await get(page, "/v1/cybertips?progress=FILED")).items.find((one) => one.jobId === job.id), "report at the simulator");
  assert.equal(filed.environment, "TEST");
  assert.ok(filed.reportId);
  const { text } = await get(page, `/v1/cybertips/${filed.id}/documents/document`);
  assert.match(text, /<victim>[\s\S]*a-child[\s\S]*<\/victim>/);
  const outside = asked.filter((url) => !url.startsWith(BASE) && !/^(blob|data):/.test(url));
  assert.deepEqual(outside, []);
  assert.deepEqual(session.faults, []);
});
