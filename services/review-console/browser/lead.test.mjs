// What is done with jobs beside deciding them one by one: many at once, given to somebody, held, reports that do
// not count, a queue that was removed; and who is told.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, emptyHanded, get, item, jobAbout, open, painted, report, reported, send, show, signIn, until, user } from "./browser.mjs";

let lead;
let moderator;
before(async () => {
  [lead, moderator] = await Promise.all([open(), open()]);
  for (const { page } of [lead, moderator]) page.setDefaultTimeout(60_000);
  await Promise.all([signIn(lead.page, "MODERATOR_MANAGER", "/queues"), signIn(moderator.page, "MODERATOR", "/queues")]);
  await emptyHanded(moderator.page);
});
after(() => Promise.all([lead.browser.close(), moderator.browser.close()]));

const me = async (page) => (await get(page, "/v1/session")).user;
const stateOf = async (page, id) => (await get(page, `/v1/jobs/${id}`)).state;

test("jobs alike are decided at once with one chord, each says what became of it, and all are taken back with one key", async () => {
  const { page } = moderator;
  const jobs = await reported(page, `batch-${Date.now()}`, 3);
  const other = jobs[2];
  // Somebody else has one of them.
  await call(lead.page, "POST", `/v1/jobs/${other.id}/claims`, {});
  await page.goto(`${BASE}/queues/${jobs[0].queueId}?sort=age&newest=true`);
  for (const { id } of jobs) await page.locator(`tr[id="row-${id}"]`).getByRole("checkbox").click();
  await page.getByText("3 picked").first().waitFor();
  await page.getByRole("button", { name: /^Decide/ }).first().click();
  const panel = page.getByRole("complementary", { name: "Decide" });
  await panel.getByRole("checkbox", { name: /No violation/ }).click();
  await page.keyboard.press("Control+Enter");
  const result = panel.getByRole("status");
  await result.getByText(/2 /).first().waitFor();
  await until(async () => (await stateOf(page, jobs[0].id)) === "CLOSED" && (await stateOf(page, jobs[1].id)) === "CLOSED", "decisions of the batch");
  assert.equal(await stateOf(page, other.id), "PENDING", "what somebody else has is left");
  await panel.getByRole("link", { name: new RegExp(other.itemId) }).waitFor();
  // The pane has the keyboard's focus nowhere in a field by now.
  await page.evaluate(() => document.activeElement?.blur());
  const [undone] = await Promise.all([page.waitForResponse(/\/batch-decisions\/[^/]+\/undo$/), page.keyboard.press("z")]);
  assert.equal(undone.status(), 200);
  for (const { itemId } of jobs.slice(0, 2)) await jobAbout(page, itemId);
  await call(lead.page, "DELETE", "/v1/claims");
});

test("a job is given to somebody, who is told, is led to it, and has it before others; nobody else is handed it", async () => {
  const { page } = lead;
  const [job] = await reported(page, `given-${Date.now()}`, 1);
  const whom = await me(moderator.page);
  await show(page, job.id);
  await page.keyboard.press("Shift+A");
  const dialog = page.getByRole("dialog", { name: "Give this job to somebody" });
  // By keyboard: the list of people is open over it.
  await dialog.getByRole("button", { name: "Give it" }).press("Enter");
  await dialog.getByText("Choose somebody").waitFor();
  await dialog.getByLabel("For whom").fill(whom.name);
  await page.getByRole("option", { name: whom.name }).click();
  await dialog.getByLabel("A note for them (optional)").fill("You know this one.");
  await dialog.getByRole("button", { name: "Give it" }).press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.getByText(new RegExp(`^Given to ${whom.name}`)).first().waitFor();
  const bell = moderator.page.getByRole("button", { name: /unread notification/ });
  await bell.waitFor();
  await bell.click();
  const told = moderator.page.getByRole("listitem").filter({ hasText: "gave you" }).first();
  await told.getByRole("link", { name: /a job of/ }).click();
  await moderator.page.waitForURL((url) => url.pathname === `/jobs/${job.id}`);
  await until(async () => (await painted(moderator.page)) === job.id, "job that was given");
  await page.getByRole("button", { name: "Take it back" }).click();
  await until(async () => (await page.getByRole("button", { name: "Take it back" }).count()) === 0, "end of that it was given");
});

test("who is named in a comment is told at once, in any tab, and led to the job; what was read counts no longer", async () => {
  const { page } = moderator;
  const [job] = await reported(page, `named-${Date.now()}`, 1);
  const whom = await me(page);
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await call(page, "POST", "/v1/notifications/read", {});
  await page.getByRole("button", { name: "No unread notifications" }).waitFor();
  await call(lead.page, "POST", `/v1/jobs/${job.id}/comments`, { body: `@${whom.name} is this one of yours?`, mentions: [whom.id] });
  await page.getByRole("button", { name: "1 unread notification" }).click();
  const told = page.getByRole("listitem").filter({ hasText: "named you in" }).first();
  await told.waitFor();
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByRole("button", { name: "No unread notifications" }).waitFor();
  await told.getByRole("link").click();
  await page.waitForURL((url) => url.pathname === `/jobs/${job.id}`);
  await page.locator("p", { hasText: "is this one of yours?" }).first().waitFor();
});

test("a job is held with what is awaited, is nobody's meanwhile, and is there again when nothing is awaited any more", async () => {
  const { page } = lead;
  const [job] = await reported(page, `held-${Date.now()}`, 1);
  await show(page, job.id);
  await page.keyboard.press("Shift+H");
  const dialog = page.getByRole("dialog", { name: "Hold this job for an answer" });
  await dialog.getByRole("button", { name: "Hold it" }).click();
  await dialog.getByText("Say what is awaited").waitFor();
  await dialog.getByLabel("What is awaited").fill("Whether the shop is theirs.");
  await dialog.getByRole("button", { name: "Hold it" }).click();
  await page.waitForURL(/\/queues$/);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await page.getByText(/^Held until/).first().waitFor();
  await page.getByText("Whether the shop is theirs.").first().waitFor();
  await page.getByRole("button", { name: "Nothing is awaited any more" }).click();
  await until(async () => (await page.getByRole("button", { name: "Nothing is awaited any more" }).count()) === 0, "end of that it was held");
});

test("reports of somebody who reports without cause no longer count, and it is said on the job", async () => {
  const { page } = lead;
  const name = `unjust-${Date.now()}`;
  const reporter = { kind: "user", ...user(`${name}-reporter`) };
  const about = (id) => item(id, "Comment", { text: `Nothing wrong with ${id}.`, author: user(`${id}-author`), created_at: new Date().toISOString() });
  await report(about(`${name}-0`), "Spam", { reporter });
  await report(about(`${name}-0`), "Spam", { reporter: { kind: "user", ...user(`${name}-other`) } });
  const job = await jobAbout(page, `${name}-0`);
  await until(async () => (await get(page, `/v1/jobs/${job.id}/context`)).job.reporterCount === 2, "two reporters");
  await show(page, job.id);
  const reports = page.locator("section").filter({ has: page.getByRole("heading", { name: "Reports" }) }).last();
  await page.getByRole("button", { name: new RegExp(`${name}-reporter`) }).and(page.locator("button:not([title])")).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("Reports everybody.");
  const [asked] = await Promise.all([page.waitForResponse(/\/report-invalidations$/), dialog.getByRole("button", { name: "Do not count" }).or(dialog.getByRole("button").last()).first().click()]);
  assert.ok(asked.ok());
  await until(async () => (await get(page, `/v1/jobs/${job.id}/context`)).job.reporterCount === 1, "one reporter that counts");
  await reports.getByText(/1 /).first().waitFor();
});

test("a queue that is removed says how many of its jobs have yet to go on, and who removed it", async () => {
  const admin = await open();
  const name = `Passing ${Date.now()}`;
  try {
    await signIn(admin.page, "ADMIN", "/queues");
    const { id } = await call(admin.page, "POST", "/v1/queues", { name });
    await call(admin.page, "DELETE", `/v1/queues/${id}`);
    await admin.page.goto(`${BASE}/queues`);
    await admin.page.getByRole("button", { name: "Removed queues" }).click();
    const row = admin.page.getByRole("dialog", { name: "Removed queues" }).getByRole("row").filter({ hasText: name });
    await row.getByText((await me(admin.page)).name).waitFor();
    await row.getByText("all of its jobs went on").waitFor();
  } finally {
    await admin.browser.close();
  }
});

test("an appeal is not decided by whoever made the first decision: the page and the server both refuse", async () => {
  const { page } = moderator;
  const [job] = await reported(page, `appealed-${Date.now()}`, 1);
  const { items: policies } = await get(page, "/v1/policies?limit=200");
  const { items: actions } = await get(page, "/v1/actions?limit=200");
  const remove = actions.find((one) => one.name === "Remove");
  const { lease } = await call(page, "POST", `/v1/jobs/${job.id}/claims`, {});
  const { job: now } = await get(page, `/v1/jobs/${job.id}/context`);
  await call(page, "POST", `/v1/jobs/${job.id}/decisions`, {
    components: [{ type: "CUSTOM_ACTION", actionIds: [remove.id], policyIds: [policies.find((one) => one.name === "Spam").id] }],
    reason: "Sells watches.",
    leaseToken: lease.token,
    revision: now.revision,
  });
  const executed = await until(async () => (await get(page, `/v1/jobs/${job.id}`)).decisions?.[0], "decision");
  await until(() => Promise.resolve(executed.leavesAt === null || Date.now() > Date.parse(executed.leavesAt)), "end of the window");
  await send("report/appeal", {
    appealId: `appeal-${job.itemId}`,
    appealedBy: user(`${job.itemId}-author`),
    appealedAt: new Date().toISOString(),
    actionedItem: item(job.itemId, "Comment", { text: "Buy two, pay one.", author: user(`${job.itemId}-author`), created_at: new Date().toISOString() }),
    actionsTaken: [remove.id],
    appealReason: "I only gave them away.",
    violatingPolicies: [{ id: policies.find((one) => one.name === "Spam").id }],
  });
  const appeal = await until(async () => (await get(page, "/v1/jobs?state=PENDING&kind=APPEAL&limit=50")).items.find((one) => one.itemId === job.itemId), "appeal");
  await page.goto(`${BASE}/jobs/${appeal.id}`);
  await page.getByText(/asks to look again/).first().waitFor();
  await page.getByRole("complementary", { name: "Decision" }).getByText("You made that decision, so somebody else has to look at the appeal.").waitFor();
  assert.equal(await page.getByRole("checkbox", { name: /Reject the appeal/ }).count(), 0);
  await assert.rejects(call(page, "POST", `/v1/jobs/${appeal.id}/claims`, {}), /40[39]|422/);
  await lead.page.goto(`${BASE}/jobs/${appeal.id}`);
  await lead.page.getByRole("checkbox", { name: /Reject the appeal/ }).waitFor();
});
