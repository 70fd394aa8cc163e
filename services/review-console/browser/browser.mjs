// A browser for the tests and the pictures: Debian's chromium, as an ordinary user would have it.
import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

export const BASE = process.env.COOP_CONSOLE_URL;
/** The demo organisation: ids by kind and name, people, the platform's key. */
export const DEMO = JSON.parse(readFileSync(process.env.COOP_DEMO_FILE, "utf8"));
const PATIENCE = 60_000;

export function person(role) {
  return DEMO.users.find((user) => user.role === role);
}

export async function open({ width = 1440, height = 900, scheme = "light", contrast = "no-preference" } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.COOP_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"],
  });
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    contrast,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // Asking who is signed in before anybody is: that 401 is no fault.
    if (message.type() === "error" && !/401/.test(message.text())) faults.push(message.text());
  });
  return { browser, context, page, faults };
}

export async function signIn(page, role, path = "/") {
  const { email, password } = person(role);
  await page.goto(`${BASE}/sign-in?returnTo=${encodeURIComponent(path)}`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}

/** review-api as the person signed in there; rejects where it refuses. */
export function call(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const { csrfToken } = await (await fetch("/v1/session")).json();
      const answer = await fetch(path, { method, headers: { "content-type": "application/json", "x-csrf-token": csrfToken }, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    },
    [method, path, body],
  );
}

/** What axe finds against WCAG 2.0 to 2.2, A and AA. */
export async function axe(page) {
  // Not as a script of the page: its policy refuses what is not its own.
  await page.evaluate(readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] }));
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`);
}

/** Sends as the platform does: `send("items/async/", { items })`, `send("report", {…})`. */
export async function send(path, body) {
  const answer = await fetch(`${process.env.COOP_INGEST_URL}/api/v1/${path}`, {
    method: "POST",
    headers: { "X-API-KEY": DEMO.apiKey, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

/** An item of the demo's types. */
export function item(id, type, data) {
  return { id, typeId: DEMO.ids["item-types"][type], data };
}

export function user(id) {
  return { id, typeId: DEMO.ids["item-types"].Profile };
}

/** A user's report of an item, for a policy. */
export function report(reported, policy, more = {}) {
  return send("report", {
    reporter: { kind: "user", ...user("karim") },
    reportedAt: new Date().toISOString(),
    reportedForReason: { policyId: DEMO.ids.policies[policy], reason: "Look at this." },
    reportedItem: reported,
    ...more,
  });
}

/** What review-api answers the page, as JSON. */
export function get(page, path) {
  return page.evaluate(async (at) => (await fetch(at)).json(), path);
}

/** Until `look` gives something. */
export async function until(look, what) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const found = await look();
    if (found) return found;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error(`in ${PATIENCE / 1000} s there was no ${what}`);
}

/** The job that waits about an item. */
export function jobAbout(page, itemId) {
  return until(async () => (await get(page, `/v1/jobs?state=PENDING&itemId=${encodeURIComponent(itemId)}`)).items?.[0], `job about ${itemId}`);
}

/** The page of a job, once something can be decided. */
export async function show(page, jobId) {
  await page.goto(`${BASE}/jobs/${jobId}`);
  await ready(page);
}

export function ready(page) {
  return page.getByRole("checkbox", { name: /No violation|Reject the appeal/ }).waitFor();
}

export const idIn = (page) => new URL(page.url()).pathname.split("/").at(-1);

/** Comments of that name, each reported for the policy, once all of them wait in its queue. */
export async function reported(page, name, count, policy = "Spam") {
  const ids = Array.from({ length: count }, (_, number) => `${name}-${number}`);
  for (const id of ids) {
    const data = { text: `Buy two, pay one: ${id}.`, author: user(`${id}-author`), created_at: new Date().toISOString() };
    await report(item(id, "Comment", data), policy);
  }
  const jobs = [];
  for (const id of ids) jobs.push(await jobAbout(page, id));
  return jobs;
}

/** The job whose page is painted, or null: its id is on a chip, and something can be decided. */
export function painted(page) {
  return page.evaluate(() => {
    const id = location.pathname.split("/").at(-1);
    return document.querySelector(`[title="${id}"]`) && document.querySelector('[role="checkbox"]') ? id : null;
  });
}

/** Gives back whatever an earlier test left in hand. */
export async function emptyHanded(page) {
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await page.keyboard.press("Alt+0");
  await page.getByRole("heading", { name: "You are away" }).waitFor();
  await until(async () => (await get(page, "/v1/claims")).items.length === 0, "empty hands");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "You are away" }).waitFor({ state: "detached" });
}

/** "No violation", by its digit: keys do nothing for a job that was on the screen for less than a moment. */
export async function pickNothing(page) {
  const checked = page.locator('[role="checkbox"][aria-checked="true"]');
  await until(async () => {
    if ((await checked.count()) > 0) return true;
    await page.keyboard.press("0");
    await page.waitForTimeout(150);
    return (await checked.count()) > 0;
  }, "choice");
}
