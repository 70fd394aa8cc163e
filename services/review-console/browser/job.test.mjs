// The page of a job, as a reviewer uses it: by keyboard alone, against the whole system.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, emptyHanded, open, pickNothing, signIn } from "./browser.mjs";

const AT_ONCE = 60_000;
let session;
let jobs;
before(async () => {
  session = await open();
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
  // What the demo tells arrives a moment after the start.
  for (const until = Date.now() + AT_ONCE; Date.now() < until; ) {
    jobs = await pending();
    if (jobs.some((job) => job.itemId === "accident") && jobs.some((job) => job.kind === "APPEAL")) break;
    await session.page.waitForTimeout(500);
  }
});
after(() => session.browser.close());

const pending = () => session.page.evaluate(async () => (await (await fetch("/v1/jobs?state=PENDING&limit=200")).json()).items);
const jobOf = (itemId) => jobs.find((job) => job.itemId === itemId)?.id ?? assert.fail(`the demo has no job about ${itemId}`);
const idIn = (page) => new URL(page.url()).pathname.split("/").at(-1);
const ready = (page) => page.getByRole("checkbox", { name: /No violation|Reject the appeal/ }).waitFor();

async function show(page, jobId) {
  await page.goto(`${BASE}/jobs/${jobId}`);
  await ready(page);
}

test("no clear byte of a picture is asked for before somebody chooses to look", async () => {
  const { page } = session;
  const asked = [];
  const note = (request) => asked.push(request.url());
  page.on("request", note);
  await show(page, jobOf("accident"));
  await page.getByAltText(/Picture, veiled/).waitFor();
  await page.getByAltText(/Picture, veiled/).hover();
  await page.keyboard.press("]");
  await page.keyboard.press("[");
  await page.getByAltText(/Picture, veiled/).waitFor();
  const media = asked.filter((url) => /\/v1\/media\//.test(url));
  assert.ok(media.length > 0);
  assert.deepEqual(media.filter((url) => /reveal|stage=(grey|clear)/.test(url)), []);
  assert.deepEqual(asked.filter((url) => new URL(url).host !== new URL(BASE).host && /^http/.test(url)), []);
  await page.keyboard.press("b");
  await page.getByAltText(/Picture as sent/).waitFor();
  await page.keyboard.press("Shift+B");
  await page.getByAltText(/Picture, veiled/).waitFor();
  page.off("request", note);
});

test("what was entered survives a reload, and digits pick without sending", async () => {
  const { page } = session;
  const jobId = jobOf("accident");
  await show(page, jobId);
  await page.keyboard.press("4");
  await page.locator('[role="checkbox"][aria-checked="true"]').waitFor();
  await page.keyboard.press("r");
  await page.keyboard.type("Shows faces; 0 1 2 pick nothing here.");
  assert.equal(await page.locator('[role="checkbox"][aria-checked="true"]').count(), 1);
  await page.reload();
  await ready(page);
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Shows faces; 0 1 2 pick nothing here.");
  assert.equal(await page.locator('[role="checkbox"][aria-checked="true"]').count(), 1);
  assert.equal(idIn(page), jobId);
});

test("jobs are decided one after another by keyboard, and the last is taken back with what was entered", async () => {
  const { page } = session;
  const harassment = jobs.filter((job) => job.queueId === jobs.find((one) => one.itemId === "hammer-2")?.queueId);
  assert.ok(harassment.length > 2);
  await show(page, jobOf("hammer-2"));
  for (let decided = 0; decided < 2; decided += 1) {
    const before = idIn(page);
    await pickNothing(page);
    await page.keyboard.press("r");
    await page.keyboard.type(`Said among friends ${decided}.`);
    await page.keyboard.press("Control+Enter");
    await page.waitForURL((url) => url.pathname.startsWith("/jobs/") && !url.pathname.endsWith(before));
    await ready(page);
    await page.getByRole("button", { name: /^Undo/ }).waitFor();
  }
  assert.notEqual(await page.evaluate(() => document.activeElement?.tagName), "BODY");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(500);
  const [undone] = await Promise.all([page.waitForResponse(/\/undo$/), page.keyboard.press("z")]);
  assert.equal(undone.status(), 200);
  const { jobId } = await undone.json();
  await page.waitForURL((url) => url.pathname.endsWith(jobId));
  await page.getByLabel(/Reason/).waitFor();
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Said among friends 1.");
});

test("an appeal says what it is against", async () => {
  const { page } = session;
  await page.goto(`${BASE}/jobs/${jobs.find((job) => job.kind === "APPEAL").id}`);
  await page.getByText(/asks to look again/).waitFor();
  await page.getByText(/by Ngozi Adeyemi|by a rule/).first().waitFor();
});

for (const scheme of ["light", "dark"]) {
  test(`axe finds nothing on a job: ${scheme}`, async () => {
    const one = await open({ scheme });
    try {
      await signIn(one.page, "MODERATOR", "/queues");
      await one.page.goto(`${BASE}/jobs/${jobOf("accident")}`);
      await ready(one.page);
      assert.deepEqual(await axe(one.page), []);
      assert.deepEqual(one.faults, []);
    } finally {
      await one.browser.close();
    }
  });
}
