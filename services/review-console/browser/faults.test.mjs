// What goes wrong while somebody works: no network, a server that is away or refuses, text that wants to run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, emptyHanded, get, idIn, item, jobAbout, open, painted, pickNothing, report, reported, signIn, until, user } from "./browser.mjs";

let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
});
after(() => session.browser.close());

const decisionsOf = (jobId) => new RegExp(`/v1/jobs/${jobId}/decisions$`);

/** The page of the first of two new jobs, with a choice and a reason; null of nobody ahead when `alone`. */
async function chosen(page, name, reason) {
  await emptyHanded(page);
  const jobs = await reported(page, name, 2);
  await page.goto(`${BASE}/jobs/${jobs[0].id}`);
  await until(async () => (await painted(page)) === jobs[0].id, "job");
  await pickNothing(page);
  await page.keyboard.press("r");
  await page.keyboard.type(reason);
  return jobs;
}

test("thirty seconds without a network lose nothing: said at once, and what was decided is sent once", { timeout: 150_000 }, async () => {
  const { page, context } = session;
  const [{ id }] = await chosen(page, `offline-${Date.now()}`, "Before it went. ");
  const sent = [];
  const note = (request) => decisionsOf(id).test(request.url()) && sent.push(request);
  page.on("requestfinished", note);
  await context.setOffline(true);
  const began = Date.now();
  await page.getByText("No connection. What you enter stays here.").waitFor({ timeout: 3000 });
  await page.keyboard.type("After it went.");
  await page.keyboard.press("Control+Enter");
  await page.waitForTimeout(Math.max(0, 30_000 - (Date.now() - began)));
  assert.equal(await page.getByText("This part of the page stopped working.").count(), 0);
  assert.equal(sent.length, 0);
  await context.setOffline(false);
  const closed = await until(async () => {
    const one = await get(page, `/v1/jobs/${id}`).catch(() => null);
    return one?.state === "CLOSED" && one;
  }, "decision after the network came back");
  assert.equal(closed.id, id);
  await page.getByText("No connection. What you enter stays here.").waitFor({ state: "detached" });
  // It is decided before its answer is here.
  await until(() => sent.length > 0, "answer to the decision");
  page.off("requestfinished", note);
  assert.equal(sent.length, 1);
  const { items } = await get(page, `/v1/decision-log?jobId=${id}`);
  assert.equal(items.length, 1);
});

const REFUSALS = [
  { status: 409, body: { type: "/problems/conflict", title: "Conflict", status: 409, detail: "the queue was removed" }, says: /cannot be done as things are now/ },
  { status: 422, body: { type: "/problems/invalid", title: "Invalid", status: 422, errors: [{ pointer: "/reason", reason: "is too short to act on", code: "too-short" }] }, says: /is too short to act on/ },
  { status: 412, body: { type: "/problems/revision-mismatch", title: "Changed", status: 412 }, says: /New reports came while you were reading|in the meantime/ },
  { status: 403, body: { type: "/problems/permission", title: "Forbidden", status: 403, needs: ["VIEW_MRT"] }, says: /View Manual Review Tool/ },
  { status: 429, body: { type: "/problems/too-many", title: "Slow down", status: 429 }, headers: { "retry-after": "7" }, says: /Try again in 7 seconds/ },
  { status: 500, body: { type: "/problems/internal", title: "Broken", status: 500, requestId: "req-browser-1" }, says: /Give the request id to whoever runs it/ },
];
for (const { status, body, headers, says } of REFUSALS) {
  test(`a decision that is refused with ${status} is kept as it was, with words of its own, and nobody is pulled away from the next job`, async () => {
    const { page } = session;
    const [{ id }] = await chosen(page, `refused-${status}-${Date.now()}`, `Kept whatever comes ${status}.`);
    // With the next one ready, the page has gone on before the answer comes.
    await page.getByText("next one ready").waitFor();
    let asked = 0;
    await page.route(decisionsOf(id), (route) => {
      asked += 1;
      return asked === 1 ? route.fulfill({ status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify(body) }) : route.continue();
    });
    await page.keyboard.press("Control+Enter");
    await page.getByText(/^Not decided: /).waitFor();
    assert.notEqual(idIn(page), id);
    await page.getByRole("button", { name: "Open that job" }).or(page.getByRole("link", { name: "Open that job" })).click();
    await until(async () => (await painted(page)) === id, "job that was not decided");
    await page.getByText(says).first().waitFor();
    if (body.requestId) await page.getByText(body.requestId).first().waitFor();
    assert.equal(await page.getByLabel(/Reason/).inputValue(), `Kept whatever comes ${status}.`);
    assert.equal(await page.locator('[role="checkbox"][aria-checked="true"]').count(), 1);
    assert.equal(asked, 1, "what was refused is not sent again by itself");
    await page.unroute(decisionsOf(id));
    assert.equal((await get(page, `/v1/jobs/${id}`)).state, "PENDING");
  });
}

test("a server that is away for a moment is asked again by itself, the same, and the job is decided once", async () => {
  const { page } = session;
  const [{ id }] = await chosen(page, `away-${Date.now()}`, "Through a restart.");
  const bodies = [];
  await page.route(decisionsOf(id), (route) => {
    bodies.push(route.request().postData());
    return bodies.length < 3 ? route.fulfill({ status: 503, headers: { "retry-after": "1" }, body: "" }) : route.continue();
  });
  await page.keyboard.press("Control+Enter");
  await until(async () => (await get(page, `/v1/jobs/${id}`)).state === "CLOSED", "decision");
  assert.equal(bodies.length, 3);
  assert.equal(new Set(bodies).size, 1);
  await page.unroute(decisionsOf(id));
});

test("a new build is told, and loads only when somebody asks for it", async () => {
  const { page } = session;
  const [{ id }] = await chosen(page, `build-${Date.now()}`, "In the middle of it.");
  await page.evaluate(() => {
    window.before = true;
    new BroadcastChannel("coop.console").postMessage({ kind: "live", event: "build", data: JSON.stringify({ id: "another-build" }) });
  });
  await page.getByText("The console was renewed. Load it again when this job is done.").waitFor();
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => window.before), true);
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "In the middle of it.");
  await page.getByRole("button", { name: "Load again" }).click();
  await until(async () => (await page.evaluate(() => window.before)) === undefined && (await painted(page)) === id, "page after loading again");
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "In the middle of it.");
});

test("an event stream that is refused is said, and is had again by itself", async () => {
  const { page } = session;
  let refused = 0;
  // As a proxy answers while the server is started anew: the browser itself gives up after that.
  await page.route("**/v1/events", (route) => {
    refused += 1;
    return route.fulfill({ status: 503, body: "" });
  });
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  const broken = page.getByText("Live numbers stopped. Connecting again.");
  await broken.waitFor();
  await until(() => refused > 2, "third attempt");
  await page.unroute("**/v1/events");
  await broken.waitFor({ state: "detached" });
});

test("one pane that fails leaves the others", async () => {
  const { page } = session;
  const { id } = await jobAbout(page, "accident");
  await page.route(/\/v1\/media\/.*\/facts/, (route) => route.fulfill({ status: 500, headers: { "content-type": "application/problem+json" }, body: JSON.stringify({ type: "/problems/internal", title: "Broken", status: 500, requestId: "req-pane" }) }));
  await page.goto(`${BASE}/jobs/${id}`);
  await until(async () => (await painted(page)) === id, "job");
  await page.getByRole("complementary", { name: "Decision" }).waitFor();
  await page.getByRole("complementary", { name: "History" }).waitFor();
  await page.unroute(/\/v1\/media\/.*\/facts/);
});

test("what is nowhere, or not open to me, is a page that says which and whom to ask", async () => {
  const { page } = session;
  await page.goto(`${BASE}/jobs/00000000-0000-7000-8000-000000000000`);
  await page.getByText(/nothing here under this address/i).first().waitFor();
  for (const path of ["/queues/00000000-0000-7000-8000-000000000000", "/nowhere/at/all"]) {
    await page.goto(`${BASE}${path}`);
    await page.getByText("Nothing at this address").waitFor();
  }
  const other = await open();
  await signIn(other.page, "EXTERNAL_MODERATOR", "/overview");
  await other.page.getByText(/is not open to you/).first().waitFor();
  await other.page.getByText(/Ask whoever manages roles/).first().waitFor();
  await other.browser.close();
});

/** A field of the type of an address: where it leads is shown, and it opens nothing before somebody says so. */
async function asksFirst(page, id) {
  const address = `https://evil.example/${id}`;
  await report(item(`${id}-link`, "Post", { text: HOSTILE, author: user(`${id}-author`), created_at: new Date().toISOString(), link: address }), "Spam");
  const job = await jobAbout(page, `${id}-link`);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await until(async () => (await painted(page)) === job.id, "job with a link");
  await page.evaluate(() => {
    window.opened = [];
    window.open = (...how) => void window.opened.push(how);
  });
  const open = page.getByRole("button", { name: "Open", exact: true });
  await open.click();
  const asked = page.getByRole("dialog", { name: "Leave the console?" });
  await asked.getByText(address).waitFor();
  await asked.getByRole("button", { name: "Stay" }).click();
  await asked.waitFor({ state: "detached" });
  assert.deepEqual(await page.evaluate(() => window.opened), []);
  await open.click();
  await asked.getByRole("button", { name: "Open it in a new tab" }).click();
  assert.deepEqual(await page.evaluate(() => window.opened), [[address, "_blank", "noopener,noreferrer"]]);
}

const HOSTILE = '<script>window.ran=1</script><img src=x onerror="window.ran=2">"><svg onload=window.ran=3>';
test("text that wants to run is shown as text, nothing is refused by the page's policy, and links ask first", async () => {
  const { page } = session;
  const id = `hostile-${Date.now()}`;
  const reports = [];
  const note = (request) => /csp-reports/.test(request.url()) && reports.push(request.postData());
  page.on("request", note);
  const data = { text: `${HOSTILE} javascript:window.ran=4 https://evil.example/?q=${encodeURIComponent(HOSTILE)} \u202Edesrever`, author: user(`${id}-author`), created_at: new Date().toISOString() };
  await report(item(id, "Comment", data), "Spam", { reportedForReason: { policyId: undefined, reason: HOSTILE } }).catch(async () => report(item(id, "Comment", data), "Spam"));
  const job = await jobAbout(page, id);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await until(async () => (await painted(page)) === job.id, "job");
  await page.getByText("<script>window.ran=1</script>").first().waitFor();
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.equal(await page.locator('a[href*="evil.example"]').count(), 0, "what a user wrote is no link by itself");
  await asksFirst(page, id);
  await page.goto(`${BASE}/queues/${job.queueId}`);
  await page.getByRole("table").waitFor();
  await page.goto(`${BASE}/investigate?q=${encodeURIComponent(HOSTILE)}`);
  await page.getByRole("heading").first().waitFor();
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  page.off("request", note);
  assert.deepEqual(reports, []);
});
