// How the console feels, in numbers: node measure.mjs FOLDER
// FOLDER/jobs.json names the queue and the conversation that were made for it. Prints one JSON line a
// measure: {"name", "throttle", "values"}; milliseconds unless the name says otherwise.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { BASE, open, signIn } from "./browser.mjs";

const { queueId, thread, soak } = JSON.parse(readFileSync(join(process.argv[2], "jobs.json"), "utf8"));
const LATENCY_MS = 50;
const ROUNDS = 20;
const SLOW = 4;
const TEN_MBIT = 10_000_000 / 8;
const SCROLLED_MS = 3000;
const WARM_JOBS = 50;

/** In the page: when what is waited for was painted; every key, interaction and shift of the layout. */
function watch() {
  const seen = { key: 0, interactions: new Map(), shift: 0 };
  addEventListener("keydown", (event) => (seen.key = event.timeStamp), true);
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (one.interactionId) seen.interactions.set(one.interactionId, Math.max(one.duration, seen.interactions.get(one.interactionId) ?? 0));
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) seen.shift += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  window.seen = seen;
  // More than a page asks for in a measure: what comes later is not listed.
  performance.setResourceTimingBufferSize(5000);
  // The frame in which it holds is painted once a message sent from that frame arrives.
  const MOST_MS = 60_000;
  window.painted = (holds) =>
    new Promise((resolve, reject) => {
      const end = performance.now() + MOST_MS;
      const look = () => {
        if (performance.now() > end) return void reject(new Error(`not within ${MOST_MS} ms: ${holds}`));
        if (!holds()) return void requestAnimationFrame(look);
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(performance.now());
        channel.port2.postMessage(null);
      };
      requestAnimationFrame(look);
    });
}

const say = (name, throttle, values) => console.log(JSON.stringify({ name, throttle, values: values.map((one) => Math.round(one * 100) / 100) }));

/** A signed-in page; the API answers 50 ms later than it would, and the processor is that many times slower. */
async function stand(role, throttle) {
  const session = await open();
  const { page, context } = session;
  await page.addInitScript(watch);
  const wire = await context.newCDPSession(page);
  await wire.send("Network.enable");
  await wire.send("Network.emulateNetworkConditions", { offline: false, latency: LATENCY_MS, downloadThroughput: -1, uploadThroughput: -1 });
  await signIn(page, role, "/queues");
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await wire.send("Emulation.setCPUThrottlingRate", { rate: throttle });
  return { ...session, wire };
}

/** Milliseconds from the key until the condition (words of JavaScript) was painted. */
async function after(page, key, holds) {
  await page.evaluate(`void (window.awaited = window.painted(() => ${holds}))`);
  await page.keyboard.press(key);
  return page.evaluate("window.awaited.then((at) => at - window.seen.key)");
}

/** The same from when something was done that is no key. */
async function from(page, act, holds) {
  await page.evaluate(`void (window.awaited = window.painted(() => ${holds})); void (window.began = performance.now())`);
  await act();
  return page.evaluate("window.awaited.then((at) => at - window.began)");
}

const pending = (page) => page.evaluate(async (queue) => (await (await fetch(`/v1/jobs?state=PENDING&queueId=${queue}&limit=200`)).json()).items, queueId);
const shown = (id) => `document.querySelector('[title="${id}"]') !== null && document.querySelector('[role="checkbox"]') !== null`;
const ready = (page) => page.getByRole("checkbox", { name: /No violation/ }).waitFor();
const checked = (count) => `document.querySelectorAll('[role="checkbox"][aria-checked="true"]').length === ${count}`;

async function startQueue(page) {
  // What the part before claimed ahead is still held by who left.
  const job = (await pending(page)).find((one) => one.lease === null);
  await page.goto(`${BASE}/jobs/${job.id}`);
  await ready(page);
}

async function keysAndJobs(throttle) {
  const { browser, page } = await stand("MODERATOR", throttle);
  await startQueue(page);
  const picked = [];
  const walked = [];
  const opened = [];
  const menus = [];
  const prefetched = [];
  const fetched = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    picked.push(await after(page, "1", checked(1)), await after(page, "1", checked(0)));
    walked.push(await after(page, "j", "document.activeElement?.hasAttribute('data-block')"));
    opened.push(await after(page, "?", "document.querySelector('dialog[open]') !== null"));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    menus.push(await after(page, "Shift+M", "document.querySelector('[role=menu]') !== null"));
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "hidden" });
  }
  say("key to feedback", throttle, [...picked, ...walked, ...opened, ...menus]);
  say("of it, a choice", throttle, picked);
  say("of it, a step", throttle, walked);
  say("of it, the sheet of keys", throttle, opened);
  say("of it, a menu", throttle, menus);
  for (let round = 0; round <= 2 * ROUNDS; round += 1) {
    const ahead = page.waitForResponse((one) => /\/context$/.test(new URL(one.url()).pathname), { timeout: 15_000 });
    const took = await submitted(page);
    await ready(page);
    // The first began with a job that was claimed ahead long ago.
    if (round > 0) prefetched.push(took);
    await ahead;
    await page.waitForTimeout(100);
  }
  say("submit to next, prefetched", throttle, prefetched);
  for (let round = 0; round < ROUNDS; round += 1) {
    // From the link of the job that is held, so that nothing was claimed ahead; another one each time would soon be
    // more than one person may hold.
    const held = page.url();
    await page.goto(`${BASE}/queues`);
    await page.getByRole("row", { name: /Spam/ }).waitFor();
    await page.goto(held);
    await ready(page);
    await page.waitForResponse((one) => /\/claims$/.test(new URL(one.url()).pathname), { timeout: 300 }).catch(() => undefined);
    fetched.push(await submitted(page));
    await ready(page);
  }
  say("submit to next, not prefetched", throttle, fetched);
  say("interaction to next paint, job", throttle, [await interaction(page)]);
  await browser.close();
}

/** No violation, and on: until another job is painted. */
async function submitted(page) {
  const before = new URL(page.url()).pathname.split("/").at(-1);
  await page.keyboard.press("0");
  await page.locator('[role="checkbox"][aria-checked="true"]').waitFor();
  const other = `(() => { const id = location.pathname.split("/").at(-1); return id !== "${before}" && document.querySelector('[title="' + id + '"]') !== null && document.querySelector('[role="checkbox"]') !== null; })()`;
  return after(page, "Control+Enter", other);
}

/** The slowest of what was done on this page, but for one in fifty. */
async function interaction(page) {
  const all = await page.evaluate(() => [...window.seen.interactions.values()].sort((a, b) => b - a));
  return all[Math.floor(all.length / 50)] ?? 16;
}

async function jobFromLink(throttle) {
  const { browser, page } = await stand("MODERATOR", throttle);
  const jobs = await pending(page);
  const took = [];
  const requests = [];
  const shifts = [];
  // Once before: what the bundle is made of is there then, as on a reviewer's machine.
  await page.goto(`${BASE}/jobs/${jobs.at(-1).id}`);
  await ready(page);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = jobs[jobs.length - 2 - round];
    let asked = [];
    const note = (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/v1/")) asked.push(pathname);
    };
    page.on("request", note);
    await page.goto(`${BASE}/jobs/${id}`, { waitUntil: "commit" });
    took.push(await page.evaluate(`window.painted(() => ${shown(id)})`));
    const before = await page.evaluate(() => performance.getEntriesByType("resource").filter((one) => new URL(one.name).pathname.startsWith("/v1/")).length);
    requests.push(before);
    page.off("request", note);
    await page.waitForTimeout(400);
    shifts.push(await page.evaluate(() => window.seen.shift));
  }
  say("job from a link", throttle, took);
  say("requests answered before a job is painted (count)", throttle, requests);
  say("layout shift of a job (score)", throttle, shifts);
  await browser.close();
}

async function lists(throttle) {
  const { browser, page } = await stand("MODERATOR_MANAGER", throttle);
  const opens = [];
  const results = [];
  const filters = [];
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.press("Escape");
  for (let round = 0; round < ROUNDS; round += 1) {
    await page.getByRole("dialog").waitFor({ state: "detached" });
    opens.push(await after(page, "Control+k", "document.querySelector('[role=combobox]') !== null"));
    await page.keyboard.type("thab");
    results.push(await after(page, "o", "[...document.querySelectorAll('[role=option]')].some((one) => one.textContent.includes('Thabo'))"));
    await page.keyboard.press("Escape");
  }
  say("palette opens", throttle, opens);
  say("palette, first results", throttle, results);
  const all = await page.locator("tbody tr[id]").count();
  for (let round = 0; round < ROUNDS; round += 1) {
    await page.locator('[type="search"]').first().focus();
    filters.push(await after(page, "m", `document.querySelectorAll('tbody tr[id]').length < ${all}`));
    filters.push(await after(page, "Backspace", `document.querySelectorAll('tbody tr[id]').length === ${all}`));
  }
  say("list filtered, cached", throttle, filters);
  const away = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    away.push(await after(page, "Alt+0", "[...document.querySelectorAll('h1, h2')].some((one) => one.textContent === 'You are away') && !document.querySelector('table').checkVisibility()"));
    await page.keyboard.press("Enter");
    await page.getByRole("row", { name: /Spam/ }).waitFor();
  }
  say("stepping away blanks", throttle, away);
  say("interaction to next paint, queues", throttle, [await interaction(page)]);
  await decisions(page, throttle);
  const shifts = [];
  for (const path of ["/queues", "/overview", "/decisions", "/settings/account"]) {
    await page.goto(`${BASE}${path}`);
    await page.waitForTimeout(1500);
    shifts.push(await page.evaluate(() => window.seen.shift));
  }
  say("layout shift of a page (score)", throttle, shifts);
  await browser.close();
}

async function decisions(page, throttle) {
  await page.goto(`${BASE}/decisions`);
  await page.locator("tbody tr").first().waitFor();
  const fetched = [];
  const types = ["IGNORE", "CUSTOM_ACTION", "REJECT_APPEAL"];
  for (let round = 0; round < ROUNDS; round += 1) {
    const query = `type=%5B%22${types[round % 3]}%22%5D&since=2026-01-${String(round + 1).padStart(2, "0")}`;
    const answer = "window.performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/decision-log')).length";
    const before = await page.evaluate(answer);
    fetched.push(
      await from(
        page,
        () => page.evaluate((search) => { history.pushState({}, "", `/decisions?${search}`); dispatchEvent(new PopStateEvent("popstate")); }, query),
        `${answer} > ${before} && document.querySelector('tbody tr, h2') !== null`,
      ),
    );
  }
  say("list filtered, fetched", throttle, fetched);
}

/** In the page: the trial's pause, a small answer of review-api, a frame; what is above it is the trial's own. */
async function leastAnswer() {
  const began = performance.now();
  await new Promise((wake) => setTimeout(wake, 150));
  await (await fetch("/v1/session")).json();
  return (await window.painted(() => true)) - began;
}

/** From the key that makes the words match until the rule says so, and from other words until it says that they do not: its own pause included, and each time words that it was not asked about before. */
async function trial(throttle) {
  const { browser, page } = await stand("ADMIN", throttle);
  const rule = (await page.evaluate(async () => (await (await fetch("/v1/rules?limit=200")).json()).items)).find((one) => one.name === "Plain scams");
  await page.goto(`${BASE}/rules/${rule.id}`);
  const field = page.getByLabel("text", { exact: true });
  const said = (words) => `[...document.querySelectorAll('[role=status] b')].some((one) => one.textContent === '${words}')`;
  // "You won" is what the bank has: without its last letter nothing matches.
  const harmless = (round) => `In letter ${round} they say you wo`;
  await field.fill(harmless(0));
  await page.getByText("It does not match", { exact: true }).waitFor();
  await field.focus();
  const tried = [];
  const least = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    least.push(await page.evaluate(leastAnswer));
    tried.push(await after(page, "n", said("It matches")));
    tried.push(await from(page, () => field.fill(harmless(round)), said("It does not match")));
  }
  say("a rule tried on words", throttle, tried);
  say("the least that such a thing takes here", throttle, least);
  await browser.close();
}

async function conversation(throttle) {
  const { browser, page } = await stand("MODERATOR", throttle);
  const opens = [];
  for (let round = 0; round < 5; round += 1) {
    await page.goto(`${BASE}/queues`);
    await page.getByRole("row", { name: /Harassment/ }).waitFor();
    // As from the queue: the context is on its way while the page changes.
    opens.push(
      await from(
        page,
        () => page.evaluate((id) => { history.pushState({}, "", `/jobs/${id}`); dispatchEvent(new PopStateEvent("popstate")); }, thread),
        "(() => { const row = document.querySelector('[data-reported]'); if (!row) return false; const box = row.getBoundingClientRect(); const list = document.getElementById('job-thread').getBoundingClientRect(); return box.top >= list.top && box.bottom <= list.bottom; })()",
      ),
    );
  }
  say("conversation opens at what was reported", throttle, opens);
  await page.waitForTimeout(800);
  // All of it, both ways, as somebody who holds the key does.
  await page.evaluate(async () => {
    const list = document.getElementById("job-thread");
    for (let still = 0, last = 0; still < 40; ) {
      list.scrollTop = 0;
      await new Promise((resolve) => setTimeout(resolve, 60));
      still = list.scrollHeight === last ? still + 1 : 0;
      last = list.scrollHeight;
    }
    for (let still = 0, last = 0; still < 40; ) {
      list.scrollTop = list.scrollHeight;
      await new Promise((resolve) => setTimeout(resolve, 60));
      still = list.scrollHeight === last ? still + 1 : 0;
      last = list.scrollHeight;
    }
  });
  const seen = await page.evaluate(async (during) => {
    const list = document.getElementById("job-thread");
    list.scrollTop = 0;
    let frames = 0;
    let rows = 0;
    const began = performance.now();
    let last = began;
    let worst = 0;
    await new Promise((resolve) => {
      const frame = (now) => {
        frames += 1;
        worst = Math.max(worst, now - last);
        last = now;
        list.scrollTop += 90;
        if (frames % 10 === 0) rows = Math.max(rows, list.querySelectorAll("[data-index]").length);
        if (now - began < during) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
    return { fps: (frames * 1000) / (last - began), worst, rows, height: list.scrollHeight };
  }, SCROLLED_MS);
  say("conversation scrolled (frames a second)", throttle, [seen.fps]);
  say("conversation scrolled, longest frame", throttle, [seen.worst]);
  say("rows of the conversation in the document (count)", throttle, [seen.rows]);
  say("height of the conversation (px)", throttle, [seen.height]);
  await browser.close();
}

async function cold() {
  const took = [];
  const bytes = [];
  for (let round = 0; round < 5; round += 1) {
    const { browser, context, page } = await open();
    await page.addInitScript(watch);
    const wire = await context.newCDPSession(page);
    await wire.send("Network.enable");
    await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
    await wire.send("Network.emulateNetworkConditions", { offline: false, latency: LATENCY_MS, downloadThroughput: TEN_MBIT, uploadThroughput: TEN_MBIT });
    let received = 0;
    wire.on("Network.loadingFinished", (event) => (received += event.encodedDataLength));
    await page.goto(`${BASE}/sign-in`, { waitUntil: "commit" });
    took.push(await page.evaluate("window.painted(() => document.querySelector('input[type=password]') !== null)"));
    bytes.push(received / 1024);
    await browser.close();
  }
  say("cold entry on 10 Mbit/s", 1, took);
  say("cold entry (KB)", 1, bytes);
}

async function shift() {
  const { browser, page, wire } = await stand("EXTERNAL_MODERATOR", 1);
  await wire.send("Performance.enable");
  await wire.send("HeapProfiler.enable");
  const state = async () => {
    for (let round = 0; round < 3; round += 1) await wire.send("HeapProfiler.collectGarbage");
    const { metrics } = await wire.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map((one) => [one.name, one.value]));
  };
  await startQueue(page);
  const early = [];
  const late = [];
  let before;
  for (let done = 0; done < soak; done += 1) {
    if (done === WARM_JOBS) before = await state();
    const took = await submitted(page);
    await ready(page);
    if (done >= WARM_JOBS && early.length < 100) early.push(took);
    if (done >= soak - 100) late.push(took);
  }
  const end = await state();
  say(`heap after ${soak} jobs in a row, grown by (MB)`, 1, [(end.JSHeapUsedSize - before.JSHeapUsedSize) / 1024 / 1024]);
  say(`listeners after ${soak} jobs, grown by (count)`, 1, [end.JSEventListeners - before.JSEventListeners]);
  say(`nodes after ${soak} jobs, grown by (count)`, 1, [end.Nodes - before.Nodes]);
  say("submit to next, first hundred jobs", 1, early);
  say("submit to next, last hundred jobs", 1, late);
  await browser.close();
}

const PARTS = { cold, jobFromLink, keysAndJobs, lists, trial, conversation };
const only = process.env.COOP_MEASURE?.split(",");
for (const [name, part] of Object.entries(PARTS)) {
  if (only && !only.includes(name)) continue;
  for (const throttle of part === cold ? [1] : [1, SLOW]) await part(throttle);
}
if (!only || only.includes("shift")) await shift();
