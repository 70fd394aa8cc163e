// A browser for the tests and the pictures: Debian's chromium, as an ordinary user would have it.
import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

export const BASE = process.env.COOP_CONSOLE_URL;
const DEMO = JSON.parse(readFileSync(process.env.COOP_DEMO_FILE, "utf8"));

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

/** What axe finds against WCAG 2.0 to 2.2, A and AA. */
export async function axe(page) {
  // Not as a script of the page: its policy refuses what is not its own.
  await page.evaluate(readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`);
}
