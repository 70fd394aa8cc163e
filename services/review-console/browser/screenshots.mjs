// Pictures of the pages, light and dark, wide and narrow: node screenshots.mjs FOLDER
import { join } from "node:path";

import { BASE, open, signIn } from "./browser.mjs";

const [folder] = process.argv.slice(2);

// One line a page: its name, who looks, its address, and what has to be there first.
const PAGES = [
  { name: "queues", role: "MODERATOR_MANAGER", path: "/queues", ready: (page) => page.getByRole("row", { name: /Spam/ }) },
  { name: "investigate", role: "MODERATOR_MANAGER", path: "/investigate?q=hammer", ready: async (page) => page.getByRole("link", { name: /User/ }).first().click().then(() => page.getByRole("heading", { name: "In its thread" })) },
  { name: "decisions", role: "MODERATOR_MANAGER", path: "/decisions", ready: (page) => page.getByText("No violation").or(page.getByText("as it was")).first() },
  { name: "account", role: "MODERATOR", path: "/settings/account", ready: (page) => page.getByText("How media will look") },
  { name: "overview", role: "MODERATOR_MANAGER", path: "/overview", ready: (page) => page.locator(".recharts-surface").first() },
  { name: "job-post", role: "MODERATOR", path: "/queues", job: "accident", ready: (page) => page.getByAltText(/Picture, veiled/) },
  { name: "job-thread", role: "MODERATOR", path: "/queues", job: "dm-match-311", ready: (page) => page.getByText("Reported", { exact: true }).first() },
];
const SIZES = [
  [1440, 900, ""],
  [390, 844, "-narrow"],
];

for (const scheme of ["light", "dark"]) {
  for (const [width, height, suffix] of SIZES) {
    const { browser, page, faults } = await open({ width, height, scheme });
    const shoot = async (name) => {
      await page.evaluate(() => document.fonts.ready);
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(folder, `${name}-${scheme}${suffix}.png`) });
    };
    await page.goto(`${BASE}/sign-in`);
    await page.getByLabel("E-mail").waitFor();
    await shoot("sign-in");
    for (const { name, role, path, job, ready } of PAGES) {
      // Whoever is signed in is led past the door.
      await page.context().clearCookies();
      await signIn(page, role, path);
      if (job) await page.goto(`${BASE}/jobs/${await jobAbout(page, job)}`);
      await (await ready(page)).waitFor();
      await shoot(name);
    }
    await browser.close();
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }
}

/** The job about an item of the demo. */
function jobAbout(page, itemId) {
  return page.evaluate(async (id) => {
    const { items } = await (await fetch("/v1/jobs?state=PENDING&limit=200")).json();
    return items.find((one) => one.itemId === id)?.id;
  }, itemId);
}
