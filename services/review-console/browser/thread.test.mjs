// A conversation of five thousand messages: where it opens, how much of it is in the document, the keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, DEMO, item, jobAbout, open, report, send, signIn, until, user } from "./browser.mjs";

const MESSAGES = 5_000;
const REPORTED = 2_500;
const BATCH = 50;
const AROUND = 40;
const ROWS = 300;

let session;
let job;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  const name = `long-${Date.now()}`;
  const began = Date.now() - 3 * 86_400_000;
  const thread = { id: name, typeId: DEMO.ids["item-types"]["DM thread"] };
  await send("items/async/", { items: [{ ...thread, data: { title: "A long one", started_at: new Date(began).toISOString() } }] });
  const messages = Array.from({ length: MESSAGES }, (_, number) =>
    item(`${name}-${number}`, "Direct message", { text: `Message ${number} of many.`, author: user(`${name}-${number % 5}`), created_at: new Date(began + 40_000 * number).toISOString(), thread }),
  );
  for (let first = 0; first < MESSAGES; first += BATCH) await send("items/async/", { items: messages.slice(first, first + BATCH) });
  await report(messages[REPORTED], "Threats", { reportedItemThread: messages.slice(REPORTED - AROUND, REPORTED + AROUND) });
  job = await jobAbout(session.page, `${name}-${REPORTED}`);
});
after(() => session.browser.close());

const list = (page) => page.locator("#job-thread");
const rows = (page) => list(page).locator("[data-index]").count();

test("it opens at what was reported, with few rows in the document, and the keyboard in it", async () => {
  const { page } = session;
  await page.goto(`${BASE}/jobs/${job.id}`);
  await page.locator("[data-reported]").waitFor();
  const inSight = () =>
    page.evaluate(() => {
      const row = document.querySelector("[data-reported]")?.getBoundingClientRect();
      const box = document.getElementById("job-thread").getBoundingClientRect();
      return row !== undefined && row.top >= box.top && row.bottom <= box.bottom;
    });
  await until(inSight, "reported message in sight");
  assert.ok((await rows(page)) <= ROWS);
  // What is around it comes in, and it is there again.
  await page.waitForTimeout(2000);
  await until(inSight, "reported message in sight once more");
  await page.waitForTimeout(1000);
  assert.ok(await inSight(), "it stays there");
});

test("it is scrolled to both ends without a hole, and never more than 300 rows are in the document", { timeout: 120_000 }, async () => {
  const { page } = session;
  let most = 0;
  const toEnd = async (where, has) => {
    for (const end = Date.now() + 50_000; Date.now() < end; ) {
      await page.evaluate((at) => {
        const box = document.getElementById("job-thread");
        box.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
        box.scrollTop = at === "top" ? 0 : box.scrollHeight;
      }, where);
      most = Math.max(most, await rows(page));
      if ((await list(page).getByText(has, { exact: true }).count()) > 0) return;
      await page.waitForTimeout(50);
    }
    assert.fail(`${has} never came`);
  };
  await toEnd("top", "Message 0 of many.");
  await toEnd("bottom", `Message ${MESSAGES - 1} of many.`);
  assert.ok(most <= ROWS, `${most} rows`);
});

test("who walks up by keys while earlier messages come in keeps the cursor in sight", async () => {
  const { page } = session;
  await page.goto(`${BASE}/jobs/${job.id}`);
  await page.locator("[data-reported]").waitFor();
  await list(page).focus();
  // More messages than the report carried: they are fetched on the way.
  for (let step = 0; step < 3 * AROUND; step += 1) await page.keyboard.press("k");
  const inSight = () =>
    page.evaluate(() => {
      const row = document.querySelector("#job-thread [data-cursor]")?.getBoundingClientRect();
      const box = document.getElementById("job-thread").getBoundingClientRect();
      return row !== undefined && row.bottom > box.top && row.top < box.bottom;
    });
  await until(inSight, "cursor in sight");
  await page.waitForTimeout(1000);
  assert.ok(await inSight(), "it stays there");
});

test("its keys walk, tick a range, find, and clear", async () => {
  const { page } = session;
  await page.goto(`${BASE}/jobs/${job.id}`);
  await page.locator("[data-reported]").waitFor();
  await list(page).focus();
  const cursor = () => list(page).locator("[data-cursor]").textContent();
  const first = await cursor();
  await page.keyboard.press("j");
  await until(async () => (await cursor()) !== first, "next message");
  await page.keyboard.press("Shift+J");
  await page.keyboard.press("Shift+J");
  await page.getByText(/3 (messages )?selected/i).waitFor();
  await page.keyboard.press("Escape");
  await until(async () => (await list(page).locator("[data-selected]").count()) === 0, "empty selection");
  await page.keyboard.press("/");
  await page.keyboard.type(`Message ${REPORTED + 3} of`);
  await page.keyboard.press("Enter");
  await until(async () => ((await cursor()) ?? "").includes(`Message ${REPORTED + 3} of many.`), "found message under the cursor");
});
