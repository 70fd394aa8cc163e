// Taking back, and the time one has: what is said, for how long, and what is left after it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, emptyHanded, get, idIn, open, painted, pickNothing, reported, show, signIn, until } from "./browser.mjs";

const HOUR_MS = 3_600_000;
let session;
let jobs;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
  jobs = await reported(session.page, `undo-${Date.now()}`, 5);
});
after(() => session.browser.close());

const notice = (page) => page.getByRole("group", { name: /No violation/ }).filter({ has: page.getByRole("button") });

/** Decides the job of that number and stays; answers its id. */
async function decided(page, at, why) {
  const { id } = jobs[at];
  await show(page, id);
  await until(async () => (await painted(page)) === id, "job");
  await page.keyboard.press("Escape");
  await pickNothing(page);
  await page.getByLabel(/Reason/).fill(why);
  await page.keyboard.press("Control+Shift+Enter");
  await notice(page).getByRole("button", { name: /^Undo/ }).waitFor();
  return id;
}

test("what can be taken back is announced once, whatever its clock shows; taken back, the job is mine with its draft", async () => {
  const { page } = session;
  const id = await decided(page, 0, "Taken back in time.");
  const told = page.getByRole("status").filter({ hasText: "It can be undone for a moment." });
  assert.equal(await told.count(), 1);
  assert.equal(await notice(page).evaluate((one) => one.closest("[role=status], [aria-live]")), null, "those who listen hear no clock");
  await page.keyboard.press("Escape");
  const [undone] = await Promise.all([page.waitForResponse(/\/undo$/), page.keyboard.press("z")]);
  const { jobId } = await undone.json();
  await until(async () => (await painted(page)) === jobId, "job that was taken back");
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Taken back in time.");
  assert.equal(await page.locator('[role="checkbox"][aria-checked="true"]').count(), 1);
  await until(async () => (await get(page, "/v1/claims")).items.some((one) => one.job.id === jobId), "claim of it");
  assert.notEqual(jobId, id);
});

test("an undo that is refused says why, and leads to reversing it", async () => {
  const { page } = session;
  await decided(page, 1, "Too late for it.");
  // Out of the field, if that is where the keyboard still is.
  await page.keyboard.press("Escape");
  await page.route(/\/undo$/, (route) => route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ type: "/problems/conflict", title: "Conflict", status: 409, detail: "it has left" }) }));
  await page.keyboard.press("z");
  await page.getByRole("alert").filter({ hasText: /^Not undone: .*It has left/ }).waitFor();
  await page.unroute(/\/undo$/);
  await notice(page).getByRole("button", { name: "Reverse" }).waitFor();
});

const secondsOf = async (page) => Number(/(\d+) s/.exec(await notice(page).getByRole("button").textContent())?.[1] ?? -1);
const standing = async (page, jobId) => (await get(page, `/v1/jobs/${jobId}`)).decisions.at(-1);

test("its time stands still while it has the focus, longer than its window; the decision is held, and is taken back with Enter", async () => {
  const { page } = session;
  const { undoWindow } = (await get(page, "/v1/session")).org;
  const id = await decided(page, 2, "Held for a while.");
  await page.getByText(/^Decided .* by /).first().waitFor();
  await notice(page).getByRole("button", { name: /^Undo/ }).focus();
  await page.waitForTimeout(1200);
  const stood = await secondsOf(page);
  assert.ok(stood > 1 && stood <= undoWindow + 1, `${stood} s`);
  const { id: decisionId } = await standing(page, id);
  const held = () => get(page, `/v1/decisions/${decisionId}`);
  const first = Date.parse((await held()).decidedAt) + 1000 * undoWindow;
  // Past its window, and the one that the server gave it first.
  await page.waitForTimeout(undoWindow * 1500);
  assert.equal(await secondsOf(page), stood);
  const now = Date.parse((await page.evaluate(async () => (await fetch("/v1/session")).headers.get("date"))));
  assert.ok(now > first, "its first window is over");
  assert.ok(Date.parse((await held()).leavesAt) > now, "it is still held");
  // On it goes, with all that is left.
  await page.getByRole("heading", { level: 1 }).or(page.getByRole("complementary", { name: "History" })).first().evaluate((one) => {
    one.setAttribute("tabindex", "-1");
    one.focus();
  });
  await until(async () => (await secondsOf(page)) !== stood, "clock that goes on");
  const runs = await secondsOf(page);
  await until(async () => (await secondsOf(page)) < runs, "clock that runs");
  await notice(page).getByRole("button", { name: /^Undo/ }).focus();
  const [undone] = await Promise.all([page.waitForResponse(/\/undo$/), page.keyboard.press("Enter")]);
  assert.equal(undone.status(), 200, await undone.text());
  const { jobId } = await undone.json();
  await until(async () => (await painted(page)) === jobId, "job that was taken back");
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Held for a while.");
});

test("it does not stand still without end: then it stays while it has the focus, and offers to reverse what was sent", async () => {
  const { page } = session;
  const admin = await open();
  await signIn(admin.page, "ADMIN", "/settings/account");
  const { undoWindow } = await get(admin.page, "/v1/settings");
  const windowOf = async (seconds) => {
    await admin.page.goto(`${BASE}/settings/general`);
    await admin.page.getByLabel("Undo for").fill(String(seconds));
    await admin.page.keyboard.press("Control+S");
    await until(async () => (await get(admin.page, "/v1/settings")).undoWindow === seconds, "window");
  };
  try {
    // Ten windows of it are half a minute.
    await windowOf(3);
    const id = await decided(page, 3, "Nothing in it.");
    // The form is gone, and with it whatever had the focus.
    await page.getByText(/^Decided .* by /).first().waitFor();
    await notice(page).getByRole("button").focus();
    await notice(page).getByRole("button", { name: "Reverse" }).waitFor();
    const { id: decisionId } = await standing(page, id);
    const { leavesAt, decidedAt } = await get(page, `/v1/decisions/${decisionId}`);
    assert.ok(Date.parse(leavesAt) - Date.parse(decidedAt) <= 33_000, `${decidedAt} to ${leavesAt}`);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Reverse");
    await page.getByRole("status").filter({ hasText: "It can still be reversed." }).waitFor({ state: "attached" });
    // As long as it would stay by itself, and more.
    await page.waitForTimeout(17_000);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Reverse");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/decisions" && url.searchParams.get("peek") === decisionId);
    await page.getByRole("heading", { name: "Reverse this decision" }).or(page.getByText(/nothing to take back|took no action|Nothing/i)).first().waitFor();
  } finally {
    await windowOf(undoWindow);
    await admin.browser.close();
  }
});

test("a claim's clock is the server's, and whoever works has more time asked for once a minute at most", async () => {
  const other = await open();
  const { page } = other;
  page.setDefaultTimeout(45_000);
  try {
    // This machine is an hour ahead.
    await page.clock.install({ time: Date.now() + HOUR_MS });
    await signIn(page, "MODERATOR", "/queues");
    const { leaseSeconds } = (await get(page, "/v1/session")).org;
    let part = 1;
    const asked = [];
    const shorter = async (route) => {
      if (/lease\/extend$/.test(route.request().url())) asked.push(route.request().url());
      const answer = await route.fetch();
      if (!answer.ok()) return route.fulfill({ response: answer });
      const expiresAt = new Date(Date.parse(answer.headers().date) + leaseSeconds * 1000 * part).toISOString();
      const body = JSON.parse(await answer.text(), (key, value) => (key === "expiresAt" && value !== null ? expiresAt : value));
      return route.fulfill({ response: answer, json: body });
    };
    await page.route(/\/v1\/jobs\/[^/]+\/(claims|context|lease)|\/v1\/claims$/, shorter);
    await show(page, jobs[4].id);
    await page.clock.runFor(1000);
    await page.keyboard.press("x");
    const left = page.getByText("left on claim", { exact: true }).locator("..").locator("b");
    await left.waitFor();
    const [minutes, seconds] = (await left.textContent()).split(":").map(Number);
    const shown = 60 * minutes + seconds;
    assert.ok(shown <= leaseSeconds && shown > leaseSeconds - 60, `${shown} of ${leaseSeconds} s`);
    // More than half of it is left: nothing is asked for.
    for (const key of ["j", "k", "j"]) await page.keyboard.press(key);
    await page.waitForTimeout(300);
    assert.equal(asked.length, 0);
    // From here on each answer leaves less than half of it.
    part = 0.3;
    await page.keyboard.press("x");
    await until(() => asked.length === 1, "more time that was asked for by its key");
    await until(async () => Number((await left.textContent()).split(":")[0]) * 60 < leaseSeconds / 2, "shorter claim");
    for (const key of ["j", "k", "j", "k", "j", "k"]) await page.keyboard.press(key);
    await until(() => asked.length > 1, "more time for whoever works");
    for (const key of ["j", "k", "j", "k"]) await page.keyboard.press(key);
    await page.waitForTimeout(500);
    assert.equal(asked.length, 2, "once in that minute");
    await page.clock.fastForward(61_000);
    for (const key of ["j", "k"]) await page.keyboard.press(key);
    await until(() => asked.length > 2, "more time a minute later");
    for (const key of ["j", "k"]) await page.keyboard.press(key);
    await page.waitForTimeout(500);
    assert.equal(asked.length, 3);
    assert.equal(idIn(page), jobs[4].id);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await call(page, "DELETE", "/v1/claims");
  } finally {
    await other.browser.close();
  }
});
