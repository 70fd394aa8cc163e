// What makes hours at it bearable: breaks, time that is seen, ids that are copied, rows that fit.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, emptyHanded, get, idIn, item, jobAbout, open, pickNothing, ready, report, reported, show, signIn, until, user } from "./browser.mjs";

let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await session.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
});
after(() => session.browser.close());

test("after as many graphic pictures as one chose a break is offered, put off in every tab, and nothing is in its way", async () => {
  const { page, context } = session;
  // Of the demo, and grave this time.
  const { item: post } = await get(page, `/v1/jobs/${(await jobAbout(page, "accident")).id}/context`);
  const [address] = /https?:\/\/[^"]+\/media\/[^"]+/.exec(JSON.stringify(post));
  const id = `grave-${Date.now()}`;
  const data = { text: "Look at this.", author: user(`${id}-author`), created_at: new Date().toISOString(), images: [address] };
  await report(item(id, "Post", data), "Threats");
  const picture = await jobAbout(page, id);
  const { wellness } = await get(page, "/v1/session");
  const { isOwn, ...given } = wellness;
  await call(page, "PUT", "/v1/me/wellness", { ...given, breakAfterReveals: 1 });
  try {
    await show(page, picture.id);
    await page.getByAltText(/Picture, veiled/).first().waitFor();
    await page.keyboard.press("b");
    await page.getByAltText(/Picture as sent/).first().waitFor();
    await until(async () => (await get(page, "/v1/me/exposure")).breakDue, "break");
    await page.reload();
    await ready(page);
    const due = page.getByText(/^Time for a break/);
    await due.waitFor();
    await pickNothing(page);
    assert.equal(await due.count(), 1);
    await page.getByRole("button", { name: "In 15 minutes" }).click();
    await due.waitFor({ state: "detached" });
    const other = await context.newPage();
    await other.goto(`${BASE}/queues`);
    await other.getByRole("row", { name: /Spam/ }).waitFor();
    await until(async () => other.evaluate(async () => (await (await fetch("/v1/me/exposure")).json()).breakDue), "break that is still due");
    await other.waitForTimeout(500);
    assert.equal(await other.getByText(/^Time for a break/).count(), 0);
    await other.close();
  } finally {
    if (isOwn) await call(page, "PUT", "/v1/me/wellness", given);
    else await call(page, "DELETE", "/v1/me/wellness");
  }
});

test("the end of a claim is told before it comes; then it is said, the draft is there, and one key claims it again", async () => {
  const { page } = session;
  const [job] = await reported(page, `hours-${Date.now()}`, 1);
  let left = 9_000;
  const shorter = async (route) => {
    const answer = await route.fetch();
    if (!answer.ok()) return route.fulfill({ response: answer });
    const expiresAt = new Date(Date.now() + left).toISOString();
    const body = JSON.parse(await answer.text(), (key, value) => (key === "expiresAt" && value !== null ? expiresAt : value));
    return route.fulfill({ response: answer, json: body });
  };
  const holds = /\/v1\/jobs\/[^/]+\/(claims|context|lease)|\/v1\/claims$/;
  await page.route(holds, shorter);
  await show(page, job.id);
  await page.keyboard.press("x");
  await page.getByRole("alert").getByText("left on claim").waitFor({ state: "attached" });
  await page.keyboard.press("r");
  await page.keyboard.type("It was said twice.");
  await page.keyboard.press("Escape");
  const ended = page.getByRole("alert").getByText(/^Your claim ended at/);
  await ended.waitFor();
  left = 600_000;
  const [claimed] = await Promise.all([page.waitForResponse((one) => one.request().method() === "POST" && /\/claims$/.test(new URL(one.url()).pathname)), page.keyboard.press("x")]);
  assert.equal(claimed.status(), 200);
  await ended.waitFor({ state: "detached" });
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "It was said twice.");
  assert.equal(idIn(page), job.id);
  await page.unroute(holds);
});

test("the first act claims the job, also before it is known what one holds", async () => {
  const { page } = session;
  const [job] = await reported(page, `first-${Date.now()}`, 1);
  let release = () => undefined;
  const waiting = new Promise((resolve) => (release = resolve));
  const mine = /\/v1\/claims$/;
  await page.route(mine, async (route) => {
    await waiting;
    await route.continue();
  });
  await show(page, job.id);
  const [claimed] = await Promise.all([page.waitForResponse((one) => one.request().method() === "POST" && one.url().endsWith(`/v1/jobs/${job.id}/claims`)), pickNothing(page)]);
  assert.equal(claimed.status(), 200);
  release();
  await page.getByText("left on claim", { exact: true }).waitFor();
  await page.unroute(mine);
});

test("an id is shortened to look at, and whole on the clipboard, and that is said", async () => {
  const { page } = session;
  const job = await jobAbout(page, "accident");
  await show(page, job.id);
  const chip = page.locator(`button[title="${job.id}"]`).first();
  assert.notEqual((await chip.innerText()).trim(), job.id);
  await chip.click();
  await chip.getByRole("status").getByText("Copied").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), job.id);
});

test("close rows are 25 and more on a page of 900 pixels, wide ones 40 high", async () => {
  const { page } = session;
  const { user } = await get(page, "/v1/session");
  const given = { name: user.name, preferences: user.preferences };
  const rows = async (density) => {
    await call(page, "PUT", "/v1/me", { ...given, preferences: { ...given.preferences, density } });
    await page.goto(`${BASE}/decisions`);
    await page.locator("tbody tr[id]").first().waitFor();
    return page.evaluate(() =>
      [...document.querySelectorAll("tbody tr[id]")].map((one) => one.getBoundingClientRect()).filter((one) => one.top >= 0 && one.bottom <= innerHeight).map((one) => Math.round(one.height)),
    );
  };
  try {
    const close = await rows("COMPACT");
    assert.ok(close.length >= 25, `${close.length} rows`);
    assert.ok(close.every((height) => height >= 28 && height <= 32), close.join());
    const wide = await rows("COMFORTABLE");
    assert.ok(wide.every((height) => height === 40), wide.join());
  } finally {
    await call(page, "PUT", "/v1/me", given);
  }
});
