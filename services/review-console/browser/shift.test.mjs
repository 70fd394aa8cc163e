// A whole shift by keyboard: deciding, skipping, moving, taking back, commenting, and never the mouse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, emptyHanded, get, idIn, jobAbout, open, painted, pickNothing, reported, signIn, until } from "./browser.mjs";

const DECIDED = 20;
let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await reported(session.page, `shift-${Date.now()}`, DECIDED + 6);
  await session.page.evaluate(() => {
    // A mouse that was used counts, whatever made it move.
    window.moused = 0;
    for (const kind of ["mousedown", "click", "pointerdown"]) addEventListener(kind, (event) => event.isTrusted && event.detail > 0 && (window.moused += 1), true);
  });
});
after(() => session.browser.close());

/** Where the keyboard is: never nowhere, and seen. */
async function held(page, what) {
  const at = await page.evaluate(() => {
    const one = document.activeElement;
    return { tag: one?.tagName, shown: one?.matches(":focus-visible"), id: one?.id };
  });
  assert.notEqual(at.tag, "BODY", `after ${what} the keyboard is nowhere`);
  assert.ok(at.shown, `after ${what} nothing shows where the keyboard is: ${at.tag} ${at.id}`);
}

/** Another job than that one is painted. */
const next = (page, before) => until(async () => ![null, before].includes(await painted(page)) && painted(page), "next job");

async function decide(page, round) {
  const before = idIn(page);
  await pickNothing(page);
  await page.keyboard.press("r");
  await page.keyboard.type(`Seen before ${round}.`);
  await page.keyboard.press("Control+Enter");
  await next(page, before);
  await held(page, "a decision");
  return before;
}

test("twenty jobs are decided, one skipped, one moved, one taken back and one commented on, without a mouse", async () => {
  const { page, faults } = session;
  await page.keyboard.press("/");
  await page.keyboard.type("spam");
  await page.waitForURL(/q=spam/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await next(page, null);
  await held(page, "beginning");
  const decided = [];
  for (let round = 0; round < DECIDED / 2; round += 1) decided.push(await decide(page, round));

  const skipped = idIn(page);
  await page.keyboard.press("s");
  await next(page, skipped);
  await held(page, "skipping");

  const said = `Third of this kind today. ${Date.now()}`;
  await page.keyboard.press("Shift+C");
  await page.keyboard.type(said);
  await page.keyboard.press("Control+Enter");
  await page.getByText(said).and(page.locator("p")).waitFor();
  const commented = idIn(page);
  await page.keyboard.press("Escape");
  await held(page, "commenting");

  const moved = idIn(page);
  await page.keyboard.press("m");
  await page.getByRole("menuitem").first().waitFor();
  await until(() => page.evaluate(() => document.activeElement?.closest('[role="menu"]') !== null), "open menu with the keyboard in it");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("#job-effect").getByText(/^Sends the job to/).waitFor();
  await page.keyboard.press("Control+Enter");
  await next(page, moved);
  await held(page, "moving");

  await pickNothing(page);
  // A job that an earlier test looked at has its draft.
  await page.getByLabel(/Reason/).fill("");
  await page.keyboard.press("Escape");
  await decide(page, "to be taken back");
  await page.getByRole("button", { name: /^Undo/ }).waitFor();
  await page.keyboard.press("Escape");
  // As long as somebody needs to see that it was the wrong choice.
  await page.waitForTimeout(500);
  // What was decided stays closed; its job goes on under an id of its own.
  const [undone] = await Promise.all([page.waitForResponse(/\/undo$/), page.keyboard.press("z")]);
  const { jobId } = await undone.json();
  await until(async () => (await painted(page)) === jobId, "job that was taken back");
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Seen before to be taken back.");
  await held(page, "taking back");
  const again = idIn(page);
  await page.keyboard.press("Control+Enter");
  await next(page, again);
  decided.push(again);
  for (let round = decided.length; round < DECIDED; round += 1) decided.push(await decide(page, round));

  assert.equal(new Set(decided).size, DECIDED);
  for (const id of decided) {
    const job = await until(async () => {
      const one = await get(page, `/v1/jobs/${id}`);
      return one.state === "CLOSED" && one;
    }, `end of ${id}`);
    assert.equal(job.state, "CLOSED");
  }
  assert.equal((await get(page, `/v1/jobs/${commented}/comments`)).items.filter((one) => one.body === said).length, 1);
  assert.notEqual((await get(page, `/v1/jobs/${moved}`)).movedTo, null);
  assert.equal((await get(page, `/v1/jobs/${skipped}`)).state, "PENDING");
  assert.equal(await page.evaluate(() => window.moused), 0);
  assert.deepEqual(faults, []);
});

test("the next job has the focus on why it is here, and is announced by its kind, severity and how many are left", async () => {
  const { page } = session;
  const [first] = await reported(page, `told-${Date.now()}`, 2);
  await page.goto(`${BASE}/jobs/${first.id}`);
  await until(async () => (await painted(page)) === first.id, "first job");
  await decide(page, "announced");
  const { item, job, remaining, types } = await get(page, `/v1/jobs/${idIn(page)}/context`);
  const kind = types.find((one) => one.id === item.typeId).name;
  const told = page.getByRole("region", { name: "Evidence" }).getByRole("status").first();
  assert.match(await told.textContent(), new RegExp(`^${kind}, .+\\. (\\d+ left|nothing else)`, "i"));
  assert.ok(remaining > 0 && job.state === "PENDING");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Why it is here");
});

test("keys that are hit faster than the next job comes decide nothing but what was seen", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues`);
  const [first, second] = await reported(page, `fast-${Date.now()}`, 3);
  await page.goto(`${BASE}/jobs/${first.id}`);
  await until(async () => (await painted(page)) === first.id, "first job");
  await pickNothing(page);
  // Twice the chord and a digit for a job that nobody has seen: one decision is sent.
  const sent = [];
  const note = (request) => request.method() === "POST" && /\/decisions$/.test(request.url()) && sent.push(request.url());
  page.on("request", note);
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("0");
  await page.keyboard.press("Control+Enter");
  await next(page, first.id);
  await page.waitForTimeout(500);
  page.off("request", note);
  assert.deepEqual(sent.map((url) => new URL(url).pathname), [`/v1/jobs/${first.id}/decisions`]);
  assert.equal((await get(page, `/v1/jobs/${second.id}`)).state, "PENDING");
});

test("a job that was claimed ahead and never opened goes back unskipped, and nothing clear of it was asked for", async () => {
  const { page } = session;
  const name = `ahead-${Date.now()}`;
  await emptyHanded(page);
  const asked = [];
  const note = (request) => asked.push(request.url());
  await reported(page, name, 2);
  page.on("request", note);
  const { id } = await jobAbout(page, `${name}-0`);
  await page.goto(`${BASE}/jobs/${id}`);
  await until(async () => (await painted(page)) === id, "job");
  await page.waitForTimeout(500);
  await page.keyboard.press("x");
  const ahead = await until(async () => {
    const { items } = await get(page, "/v1/claims");
    const others = items.filter((one) => one.job.id !== id);
    assert.ok(others.length <= 1, "more than one job is claimed ahead");
    return others[0];
  }, "job ahead");
  // Its page is made by now: what it asks for would have been asked for.
  await page.waitForTimeout(2000);
  page.off("request", note);
  assert.deepEqual(new Set(asked.map((url) => new URL(url).pathname).filter((path) => path.includes(ahead.job.id))), new Set([`/v1/jobs/${ahead.job.id}/context`]));
  const { item, author } = await get(page, `/v1/jobs/${ahead.job.id}/context`);
  const refs = [...item.media, author?.avatar].flatMap((one) => one?.ref ?? []);
  // A face that the server veils may be there already; of nothing else of it a byte.
  assert.deepEqual(asked.filter((url) => refs.some((ref) => url.includes(encodeURIComponent(ref))) && !/[?&]stage=veiled(&|$)/.test(url)), []);
  assert.deepEqual(asked.filter((url) => /\/v1\/media\/.*(stage=(grey|clear)|\/reveal)/.test(url)), []);
  // Nor is it there for a key, a reader or the focus.
  assert.equal(await page.locator(`[title="${ahead.job.id}"]`).count(), 0);
  assert.equal(await page.locator("#job-reason").count(), 1);
  assert.equal((await get(page, "/v1/claims")).items.find((one) => one.job.id === ahead.job.id).lease.openedAt, null);
  await page.keyboard.press("Alt+0");
  await page.getByRole("heading", { name: "You are away" }).waitFor();
  await until(async () => (await get(page, "/v1/claims")).items.length === 0, "empty hands");
  const back = await get(page, `/v1/jobs/${ahead.job.id}`);
  assert.equal(back.state, "PENDING");
  assert.equal(back.lease, null);
  await page.keyboard.press("Enter");
});
