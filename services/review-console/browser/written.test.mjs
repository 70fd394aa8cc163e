// What people write, in any script: shown as it is, in letters and not in boxes, and what hides in it when asked.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, item, jobAbout, open, painted, report, signIn, until, user } from "./browser.mjs";

const SCRIPTS = { Han: "看看这个便宜的手表", Kana: "これはとても安いです", Hangul: "이것은 매우 쌉니다", Arabic: "هذه ساعة رخيصة جدا", Hebrew: "שעון זול מאוד", Thai: "นาฬิการาคาถูกมาก", Emoji: "👩🏽‍🚀🏳️‍🌈" };
let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(60_000);
  await signIn(session.page, "MODERATOR", "/queues");
});
after(() => session.browser.close());

async function written(page, name, text) {
  await report(item(name, "Comment", { text, author: user(`${name}-author`), created_at: new Date().toISOString() }), "Spam");
  const job = await jobAbout(page, name);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await until(async () => (await painted(page)) === job.id, "job");
  return job;
}

/** The fonts that the letters of an element are drawn with, by how many. */
async function fontsOf(context, page, handle) {
  const wire = await context.newCDPSession(page);
  await wire.send("DOM.enable");
  await wire.send("CSS.enable");
  await handle.evaluate((one) => one.setAttribute("data-looked-at", ""));
  const { root } = await wire.send("DOM.getDocument");
  const { nodeId } = await wire.send("DOM.querySelector", { nodeId: root.nodeId, selector: "[data-looked-at]" });
  const { fonts } = await wire.send("CSS.getPlatformFontsForNode", { nodeId });
  await handle.evaluate((one) => one.removeAttribute("data-looked-at"));
  return fonts;
}

/** Whether every character has ink of its own: a letter that no font has is the same box as another that none has. */
const boxesIn = (handle) =>
  handle.evaluate((one, letters) => {
    const pen = new OffscreenCanvas(64, 64).getContext("2d", { willReadFrequently: true });
    const { fontFamily } = getComputedStyle(one);
    const ink = (text) => {
      pen.clearRect(0, 0, 64, 64);
      pen.font = `32px ${fontFamily}`;
      pen.fillText(text, 8, 44);
      return pen.getImageData(0, 0, 64, 64).data.join();
    };
    const box = ink("\u{10FFFE}");
    return letters.filter((letter) => ink(letter) === box);
  }, Object.values(SCRIPTS).flatMap((text) => [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)).filter((letter) => letter.trim() !== ""));

test("Chinese, Japanese, Korean, Arabic, Hebrew, Thai and emoji are drawn in letters, each line in its own direction", async () => {
  const { page, context } = session;
  for (const [name, text] of Object.entries(SCRIPTS)) {
    await written(page, `script-${name}-${Date.now()}`, text);
    const shown = page.locator("[data-block] p").filter({ hasText: text }).first();
    await shown.waitFor();
    assert.equal(await shown.evaluate((one) => getComputedStyle(one).unicodeBidi), "isolate", name);
    assert.equal(await shown.evaluate((one) => getComputedStyle(one).direction), /Arabic|Hebrew/.test(name) ? "rtl" : "ltr", name);
    const fonts = await fontsOf(context, page, shown);
    assert.ok(fonts.reduce((sum, one) => sum + one.glyphCount, 0) > 0, `${name} is drawn with no font`);
    assert.deepEqual(await boxesIn(shown), []);
  }
});

test("what hides in a text is counted, is shown on demand by its code, and what follows is turned no more then", async () => {
  const { page } = session;
  await written(page, `hidden-${Date.now()}`, "Pay\u200Bpal \u202Eelbatrofmoc\u202C and\u00A0safe");
  const asked = page.getByRole("button", { name: "Show 4 hidden characters" });
  await asked.waitFor();
  assert.equal(await asked.getAttribute("aria-pressed"), "false");
  assert.equal(await page.locator("mark").count(), 0);
  await asked.click();
  assert.deepEqual(await page.locator("[data-block] mark").allTextContents(), ["U+200B", "U+202E", "U+202C", "U+00A0"]);
  assert.equal((await page.locator("[data-block] p").filter({ has: page.locator("mark") }).first().textContent()).includes("\u202E"), false);
  assert.deepEqual(await axe(page), []);
});
