// Going on, and what stands in its way: a refusal that comes late, a next job that is refused, a page that
// is loaded again, a build that is gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, emptyHanded, idIn, item, jobAbout, open, pickNothing, ready, report, send, show, signIn, until, user } from "./browser.mjs";

const JOBS = 10;
let session;
let name;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
  name = `gone-on-${Date.now()}`;
  const items = Array.from({ length: JOBS }, (_, at) => item(`${name}-${at}`, "Post", { text: `Buy cheap watches, number ${at}`, author: user(`${name}-author-${at}`), created_at: new Date().toISOString() }));
  await send("items/async/", { items });
  for (const one of items) await report(one, "Spam");
});
after(() => session.browser.close());

const held = async (page) => (await call(page, "GET", "/v1/claims")).items;

/** The page of a job, with a choice and a reason: the first act claims it. */
async function chosen(page, at, why) {
  const { id } = await jobAbout(page, `${name}-${at}`);
  await show(page, id);
  await page.keyboard.press("Escape");
  await pickNothing(page);
  await page.keyboard.press("r");
  await page.keyboard.type(why);
  await until(async () => (await held(page)).some((one) => one.job.id === id), "claim");
  return id;
}

const ahead = (page) => until(async () => (await held(page)).find((one) => one.lease.openedAt === null), "job claimed ahead");

test("a decision that is refused when its reviewer has gone on leaves them where they are, and leads back", async () => {
  const { page } = session;
  const id = await chosen(page, 0, "Too late.");
  await ahead(page);
  let release = () => undefined;
  const waiting = new Promise((resolve) => (release = resolve));
  const address = `**/v1/jobs/${id}/decisions`;
  await page.route(address, async (route) => {
    await waiting;
    await route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ type: "/problems/conflict", title: "Conflict", status: 409, detail: "the queue was removed", requestId: "r1" }) });
  });
  await page.keyboard.press("Control+Enter");
  await page.waitForURL((url) => !url.pathname.endsWith(id));
  await ready(page);
  const next = idIn(page);
  release();
  await page.getByText(/Not decided: No violation/).waitFor();
  assert.equal(idIn(page), next);
  await page.unroute(address);
  await page.getByRole("button", { name: "Open that job" }).click();
  await page.waitForURL((url) => url.pathname.endsWith(id));
  await ready(page);
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "Too late.");
  await page.getByText(/cannot be done as things are now/).waitFor();
});

test("a next job that is refused is not a queue that is done", async () => {
  const { page } = session;
  // Nothing is claimed ahead, so that the answer of the decision says what comes next.
  const claims = "**/v1/claims";
  await page.route(claims, (route) => (route.request().method() === "POST" ? route.fulfill({ status: 204 }) : route.continue()));
  const id = await chosen(page, 1, "Nothing wrong.");
  const address = `**/v1/jobs/${id}/decisions`;
  await page.route(address, async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), next: null, nextRefused: "queue-paused" } });
  });
  await page.keyboard.press("Control+Enter");
  await page.getByText("The next job was not handed out").waitFor();
  await page.getByText(/is paused/).waitFor();
  assert.equal(await page.getByText(/All caught up/).count(), 0);
  await page.unroute(claims);
  await page.unroute(address);
});

test("a page that is loaded again gives back what was claimed ahead", async () => {
  const { page } = session;
  await chosen(page, 2, "Looked at.");
  const { lease } = await ahead(page);
  await page.reload();
  await ready(page);
  // Long before its two minutes are over. What is claimed ahead anew has a lease of its own.
  await until(async () => !(await held(page)).some((one) => one.lease.token === lease.token), "end of the lease that was claimed ahead");
});

test("a part of a build that is gone is said in the middle of a job, and breaks nothing", async () => {
  const { page } = session;
  const id = await chosen(page, 3, "In the middle of it.");
  const parts = "**/assets/keeping-*.js";
  await page.route(parts, (route) => route.fulfill({ status: 404, body: "" }));
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+H");
  await page.getByText("The console was renewed. Load it again when this job is done.").waitFor();
  assert.equal(idIn(page), id);
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "In the middle of it.");
  await page.unroute(parts);
  await page.goto(`${BASE}/queues`);
});
