// A picture and a film, looked at by somebody who chose to: step by step, by keys, and veiled again by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { get, item, jobAbout, open, report, show, signIn, until, user } from "./browser.mjs";

let session;
let picture;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  const { page } = session;
  // Of the demo, whose job has gone by now: the same picture and film, of another author.
  const posts = Object.fromEntries(await Promise.all(["accident"].map(async (id) => [id, await jobAbout(page, id)])));
  picture = posts.accident;
});
after(() => session.browser.close());

const veiled = (page) => page.getByAltText(/(Picture|Video), veiled/);
const clear = (page) => page.getByAltText(/Picture as sent/);

async function reveal(page) {
  await page.keyboard.press("b");
  await clear(page).or(page.getByLabel(/Video as sent/)).first().waitFor();
}

test("a picture is enlarged, moved, turned and looked at in full by keys alone, at the stage that was chosen", async () => {
  const { page } = session;
  await show(page, picture.id);
  await veiled(page).waitFor();
  await reveal(page);
  const frame = page.getByRole("group", { name: /^Picture:/ }).first();
  assert.equal(await frame.getAttribute("data-zoom"), "1.00");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.ok(Number(await frame.getAttribute("data-zoom")) > 1);
  const place = () => frame.locator("img").evaluate((one) => one.style.transform);
  const before = await place();
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await place(), before);
  for (let times = 0; times < 40; times += 1) await page.keyboard.press("+");
  assert.equal(Number(await frame.getAttribute("data-zoom")), 8);
  await page.keyboard.press("Shift+R");
  assert.match(await place(), /rotate\(90deg\)/);
  await page.keyboard.press("f");
  await page.getByRole("dialog").getByAltText(/Picture as sent/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("it is veiled again when the tab is left, on stepping away and on the next job, and each look is counted", async () => {
  const { page } = session;
  const counted = async () => (await get(page, "/v1/me/exposure")).days.reduce((sum, day) => sum + day.reveals, 0);
  await show(page, picture.id);
  await veiled(page).waitFor();
  const before = await counted();
  await reveal(page);
  await until(async () => (await counted()) > before, "counted look");
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event("blur"));
  });
  await veiled(page).waitFor();
  await page.evaluate(() => {
    delete document.visibilityState;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await reveal(page);
  await page.keyboard.press("Alt+0");
  await page.getByRole("heading", { name: "You are away" }).waitFor();
  assert.equal(await clear(page).count(), 0);
  await page.keyboard.press("Enter");
  await veiled(page).waitFor();
  await show(page, picture.id);
  await veiled(page).waitFor();
});

test("a film shows its frames, then plays when somebody says so: without sound, by frames, slower and faster", async () => {
  const { page } = session;
  const id = `film-${Date.now()}`;
  const { item: post } = (await get(page, `/v1/jobs/${picture.id}/context`)) ?? {};
  const host = await mediaHost(page, post);
  const data = { text: "Look at the sea.", author: user(`${id}-author`), created_at: new Date().toISOString(), film: `${host}/media/film/film-waves.mp4` };
  await report(item(id, "Post", data), "Spam");
  const job = await jobAbout(page, id);
  await show(page, job.id);
  await veiled(page).first().waitFor();
  await page.keyboard.press("b");
  await page.getByAltText(/Video as sent/).first().waitFor();
  await page.keyboard.press("c");
  const film = page.locator("video");
  await film.waitFor();
  const state = () => film.evaluate((one) => ({ paused: one.paused, muted: one.muted, at: one.currentTime, pace: one.playbackRate, ready: one.readyState }));
  await until(async () => (await state()).ready >= 1, "film that can be played");
  assert.deepEqual([(await state()).paused, (await state()).muted], [true, true]);
  await page.keyboard.press(".");
  await until(async () => (await state()).at > 0, "next frame");
  await page.keyboard.press(">");
  assert.equal((await state()).pace, 1.5);
  await page.keyboard.press("<");
  await page.keyboard.press("<");
  assert.equal((await state()).pace, 0.5);
  await page.keyboard.press("Space");
  await until(async () => !(await state()).paused, "film that plays");
});

test("what the platform no longer has, and what is no picture, say so, and can be asked for again", async () => {
  const { page } = session;
  const { item: post } = await get(page, `/v1/jobs/${picture.id}/context`);
  const host = await mediaHost(page, post);
  const id = `gone-${Date.now()}`;
  const data = { text: "It was here.", author: user(`${id}-author`), created_at: new Date().toISOString(), images: [`${host}/media/picture/nowhere-at-all.jpg`] };
  await report(item(id, "Post", data), "Spam");
  const job = await jobAbout(page, id);
  await show(page, job.id);
  await page.getByText("The platform no longer has it, or cannot be asked for it now.").first().waitFor();
  const [again] = await Promise.all([page.waitForRequest(/\/v1\/media\//), page.getByRole("button", { name: "Try again" }).first().click()]);
  assert.ok(again);
});

/** Where the demo's platform serves its media: the address that the item itself has. */
async function mediaHost(page, post) {
  const text = JSON.stringify(post);
  const found = /(https?:\/\/[^"/]+)\/media\//.exec(text);
  assert.ok(found, `no address of media in ${text.slice(0, 400)}`);
  return found[1];
}
