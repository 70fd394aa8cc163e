// A picture and a film, looked at by somebody who chose to: step by step, by keys, and veiled again by itself.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { axe, get, item, jobAbout, open, report, show, signIn, until, user } from "./browser.mjs";

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

/** The page of a job about a post with this film, where it is about to be played. */
async function aboutToPlay(page, name) {
  const id = `${name}-${Date.now()}`;
  const { item: post } = (await get(page, `/v1/jobs/${picture.id}/context`)) ?? {};
  const host = await mediaHost(page, post);
  const data = { text: "Look at this.", author: user(`${id}-author`), created_at: new Date().toISOString(), film: `${host}/media/film/${name}.mp4` };
  await report(item(id, "Post", data), "Spam");
  const job = await jobAbout(page, id);
  await show(page, job.id);
  return toPlay(page);
}

/** From the veil by its frames to the film. */
async function toPlay(page) {
  await veiled(page).first().waitFor();
  await page.keyboard.press("b");
  await page.getByAltText(/Video as sent/).first().waitFor();
  await page.keyboard.press("c");
  const film = page.locator("video");
  await film.waitFor();
  return film;
}

test("a film shows its frames, then plays when somebody says so: without sound, by frames, slower and faster", async () => {
  const { page } = session;
  const film = await aboutToPlay(page, "film-waves");
  await page.getByText("No flashes were found in it.").waitFor();
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

test("looking for a place in a film shows its frames veiled, at once, and goes there when it is let go", async () => {
  const { page } = session;
  const film = await aboutToPlay(page, "film-waves");
  await until(() => film.evaluate((one) => one.readyState >= 1), "film that can be played");
  const slider = page.getByRole("slider", { name: "Place in it" });
  const thumb = await slider.boundingBox();
  const track = await page.locator(".mantine-Slider-track").boundingBox();
  // From the move of the pointer until the frame is painted.
  const tile = '[class*="tile"][data-frame]';
  const painted = page.evaluate(
    (tile) =>
      new Promise((resolve) => {
        const moved = (event) => {
          const look = () => (document.querySelector(tile) ? requestAnimationFrame(() => resolve(performance.now() - event.timeStamp)) : requestAnimationFrame(look));
          look();
        };
        addEventListener("mousemove", (event) => event.buttons === 1 && moved(event), { once: false });
      }),
    tile,
  );
  await page.mouse.move(thumb.x + thumb.width / 2, thumb.y + thumb.height / 2);
  await page.mouse.down();
  await page.mouse.move(track.x + track.width * 0.55, track.y + track.height / 2, { steps: 4 });
  const milliseconds = await painted;
  console.log(`frame shown after ${milliseconds.toFixed(0)} ms`);
  assert.ok(milliseconds <= 150, `${milliseconds} ms`);
  const shown = page.locator(tile);
  assert.equal(await shown.getAttribute("data-frame"), "4");
  assert.match(await shown.evaluate((one) => one.style.backgroundImage), /^url\("blob:/);
  assert.equal(await film.evaluate((one) => one.currentTime), 0);
  await page.mouse.up();
  await until(() => film.evaluate((one) => Math.abs(one.currentTime / one.duration - 0.55) < 0.03), "place");
  assert.equal(await shown.count(), 0);
  await slider.focus();
  const before = await film.evaluate((one) => one.currentTime);
  await page.keyboard.press("ArrowLeft");
  await until(() => film.evaluate((one, before) => one.currentTime < before, before), "place before");
});

test("what is said in a film is read before anybody hears it", async () => {
  const { page } = session;
  const film = await aboutToPlay(page, "film-waves");
  await page.getByRole("button", { name: /Read what is said \(3 lines\)/ }).waitFor();
  await page.keyboard.press("q");
  await page.getByRole("button", { name: /Calm water until ten/ }).click();
  await until(() => film.evaluate((one) => Math.abs(one.currentTime - 2.4) < 0.05), "place of the line");
  assert.equal(await film.evaluate((one) => one.paused), true);
  assert.deepEqual(await axe(page), []);
});

test("a film that flashes says so before it plays, asks once in a job, and moves nothing when it says it", async () => {
  const { page } = session;
  // It is held back, so that the page is seen before it is known.
  let known;
  const held = new Promise((resolve) => (known = resolve));
  await page.route(/\/facts\?flashes=true/, async (route) => {
    await held;
    await route.continue();
  });
  const film = await aboutToPlay(page, "film-strobe");
  const paused = () => film.evaluate((one) => one.paused);
  const place = (name) => page.getByRole("button", { name }).boundingBox();
  await until(() => film.evaluate((one) => one.readyState >= 1), "film that can be played");
  await page.getByText("It is being looked at for flashes.").waitFor();
  const before = [await place(/^Play/), await place("One frame back")];
  known();
  await page.getByText(/It flashes from 0:00 on/).waitFor();
  assert.deepEqual([await place(/^Play/), await place("One frame back")], before);
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press(".");
  await until(() => film.evaluate((one) => one.currentTime > 0), "next frame");
  await page.keyboard.press("Space");
  const anyway = page.getByRole("button", { name: /^Play anyway/ });
  await anyway.waitFor();
  await page.getByText("Play it anyway?").waitFor();
  assert.equal(await paused(), true);
  assert.deepEqual([await place(/^Play anyway/), await place("One frame back")], before);
  await page.keyboard.press("Space");
  await until(async () => !(await paused()), "film that plays");
  // Its frames stay to be had, and it has been asked in this job.
  await page.keyboard.press("c");
  await page.getByAltText(/Video as sent/).first().waitFor();
  await page.keyboard.press("c");
  await film.waitFor();
  await page.keyboard.press("Space");
  await until(async () => !(await paused()), "film that plays at once");
  await page.unroute(/\/facts\?flashes=true/);
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

/** The longest task of the page's main thread until a little after an act, in ms; 0 for none of 50 or more. */
async function longestTask(page, act) {
  await page.evaluate(() => {
    window.tasks = [0];
    window.watch?.disconnect();
    window.watch = new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.duration)));
    window.watch.observe({ type: "longtask" });
  });
  await act();
  await clear(page).first().evaluate((picture) => picture.decode());
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(Math.max(...window.tasks)), 100))));
}

test("a picture of forty million pixels is shown, and the page goes on while it is decoded", async () => {
  const { page } = session;
  await show(page, picture.id);
  await veiled(page).first().waitFor();
  const few = await longestTask(page, () => reveal(page));
  const { address, close } = await served(await drawn(page, 8000, 5000));
  try {
    const id = `large-${Date.now()}`;
    await report(item(id, "Post", { text: "The whole valley.", author: user(`${id}-author`), created_at: new Date().toISOString(), images: [address] }), "Spam");
    const job = await jobAbout(page, id);
    await show(page, job.id);
    await veiled(page).first().waitFor();
    const waited = await longestTask(page, () => reveal(page));
    const shown = await clear(page).first().evaluate(async (picture) => {
      await picture.decode();
      return [picture.naturalWidth, picture.naturalHeight];
    });
    assert.equal((shown[0] / shown[1]).toFixed(2), "1.60");
    console.log(`longest task while a picture comes: ${few} ms, one of forty million pixels: ${waited} ms`);
    assert.ok(waited <= Math.max(50, 1.5 * few), `${waited} ms, where a small one takes ${few} ms`);
    const frame = page.getByRole("group", { name: /^Picture:/ }).first();
    await page.keyboard.press("+");
    assert.ok(Number(await frame.getAttribute("data-zoom")) > 1);
  } finally {
    close();
  }
});

/** A JPEG of that size, drawn in the browser. */
async function drawn(page, width, height) {
  const text = await page.evaluate(
    async ([width, height]) => {
      const canvas = new OffscreenCanvas(width, height);
      const pen = canvas.getContext("2d");
      const shade = pen.createLinearGradient(0, 0, width, height);
      shade.addColorStop(0, "#246");
      shade.addColorStop(1, "#ca8");
      pen.fillStyle = shade;
      pen.fillRect(0, 0, width, height);
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 })).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
      return btoa(text);
    },
    [width, height],
  );
  return Buffer.from(text, "base64");
}

/** On this machine's loopback, as a platform's own storage serves it. */
async function served(bytes) {
  const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "image/jpeg", "content-length": bytes.length }).end(bytes));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://127.0.0.1:${server.address().port}/valley.jpg`, close: () => server.close() };
}

/** Where the demo's platform serves its media: the address that the item itself has. */
async function mediaHost(page, post) {
  const text = JSON.stringify(post);
  const found = /(https?:\/\/[^"/]+)\/media\//.exec(text);
  assert.ok(found, `no address of media in ${text.slice(0, 400)}`);
  return found[1];
}
