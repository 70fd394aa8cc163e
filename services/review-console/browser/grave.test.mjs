// A job of child safety about an item that is no user's: its medium is a caption first, then grey, and colour by a key of its own; each look is on record.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, DEMO, emptyHanded, get, item, jobAbout, open, ready, report, signIn, until } from "./browser.mjs";

let session;
let job;
const asked = [];
before(async () => {
  session = await open();
  const { page } = session;
  page.setDefaultTimeout(45_000);
  page.on("request", (request) => asked.push(request.url()));
  await signIn(page, "CHILD_SAFETY_MODERATOR", "/queues");
  await emptyHanded(page);
  const { item: post } = await get(page, `/v1/jobs/${(await jobAbout(page, "accident")).id}/context`);
  const [address] = /https?:\/\/[^"]+\/media\/[^"]+/.exec(JSON.stringify(post));
  const id = `csam-${Date.now()}`;
  const data = { text: "Look at this.", author: { id, typeId: DEMO.ids["item-types"]["DM thread"] }, created_at: new Date().toISOString(), images: [address] };
  await report(item(id, "Post", data), "Graphic content", { reportedForReason: { csam: true, reason: "A child." } });
  job = await jobAbout(page, id);
});
after(() => session.browser.close());

const ofMedia = () => asked.filter((url) => /\/v1\/media\/[^/]+\?/.test(url));

test("its list has no picture of it, and its page shows a caption and asks for no byte", async () => {
  const { page } = session;
  asked.length = 0;
  await page.goto(`${BASE}/queues/${job.queueId}`);
  await page.locator("tbody tr[id]").first().waitFor();
  await page.waitForTimeout(500);
  assert.deepEqual(ofMedia(), []);
  assert.equal(await page.locator("tbody img").count(), 0);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await ready(page);
  await page.getByText(/^Child safety\. Each look at a medium is logged/).waitFor();
  await page.getByText("Named as child sexual abuse material. Look only if the decision needs it.").first().waitFor();
  await page.waitForTimeout(500);
  assert.deepEqual(ofMedia(), []);
});

test("grey comes first, colour by its own key, nothing of it can be saved, and each look is in the audit log", async () => {
  const { page } = session;
  const stages = () => ofMedia().map((url) => new URL(url).searchParams.get("stage"));
  await page.keyboard.press("b");
  await page.getByAltText(/Picture, veiled/).first().waitFor();
  assert.deepEqual([...new Set(stages())], ["veiled"]);
  await page.keyboard.press("b");
  const picture = page.getByAltText(/Picture as sent/).first();
  await picture.waitFor();
  assert.deepEqual([...new Set(stages())], ["veiled", "grey"]);
  assert.equal(await picture.evaluate((one) => one.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }))), false);
  assert.equal(await picture.evaluate((one) => one.draggable), false);
  await page.keyboard.press("c");
  await until(() => stages().includes("clear"), "colour that was asked for");
  await picture.waitFor();
  assert.equal(await page.locator("a[download]").count(), 0);
  const outside = asked.filter((url) => !url.startsWith(BASE) && !/^(blob|data):/.test(url));
  assert.deepEqual(outside, []);
  const admin = await open();
  try {
    await signIn(admin.page, "ADMIN", "/overview");
    const { items } = await get(admin.page, "/v1/audit-log?action=child-safety.revealed&limit=10");
    const mine = items.filter((one) => one.detail?.jobId === job.id);
    assert.deepEqual(mine.map((one) => one.detail.stage).sort(), ["clear", "grey"]);
  } finally {
    await admin.browser.close();
  }
});
