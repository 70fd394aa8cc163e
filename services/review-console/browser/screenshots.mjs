// Pictures of the pages, light and dark, wide and narrow: node screenshots.mjs FOLDER
import { join } from "node:path";

import { childSafetyJob } from "./child.mjs";
import { BASE, DEMO, get, jobAbout, open, signIn } from "./browser.mjs";

const [folder] = process.argv.slice(2);

// One line a page: its name, who looks, its address, and what has to be there first.
const PAGES = [
  { name: "queues", role: "MODERATOR_MANAGER", path: "/queues", ready: (page) => page.getByRole("row", { name: /Spam/ }) },
  { name: "investigate", role: "MODERATOR_MANAGER", path: "/investigate?q=hammer", ready: async (page) => page.getByRole("link", { name: /User/ }).first().click().then(() => page.getByRole("heading", { name: "In its thread" })) },
  { name: "decisions", role: "MODERATOR_MANAGER", path: "/decisions", ready: (page) => page.locator("tbody tr").nth(3) },
  { name: "account", role: "MODERATOR", path: "/settings/account", ready: (page) => page.getByText("How media will look") },
  { name: "item-type", role: "ADMIN", path: `/settings/item-types/${DEMO.ids["item-types"].Post}`, ready: (page) => page.getByRole("region", { name: "curl" }) },
  { name: "action", role: "ADMIN", path: `/settings/actions/${DEMO.ids.actions.Remove}`, ready: (page) => page.getByRole("heading", { name: "Versions" }) },
  { name: "first-steps", role: "ADMIN", path: "/settings/first-steps", ready: (page) => page.getByRole("heading", { name: "Decide a first job" }) },
  { name: "keys", role: "ADMIN", path: "/settings/keys", ready: (page) => page.getByRole("heading", { name: "Signing keys" }) },
  { name: "users", role: "ADMIN", path: "/settings/users", ready: (page) => page.locator("tbody tr").nth(3) },
  { name: "roles", role: "ADMIN", path: "/settings/roles?role=MODERATOR", ready: (page) => page.getByRole("checkbox").first() },
  { name: "policy", role: "ADMIN", path: `/policies/${DEMO.ids.policies.Scams}`, ready: (page) => page.getByRole("heading", { name: "Versions" }) },
  { name: "queue-settings", role: "ADMIN", path: `/settings/queues/${DEMO.ids.queues.Spam}`, ready: (page) => page.getByRole("heading", { name: "Versions" }) },
  { name: "overview", role: "MODERATOR_MANAGER", path: "/overview", ready: (page) => page.locator(".recharts-surface").first() },
  { name: "job-post", role: "MODERATOR", path: "/queues", job: "accident", ready: (page) => page.getByAltText(/Picture, veiled/) },
  { name: "job-thread", role: "MODERATOR", path: "/queues", job: "dm-match-311", ready: (page) => page.getByText("Reported", { exact: true }).first() },
  { name: "job-appeal", role: "MODERATOR", path: "/queues", kind: "APPEAL", ready: (page) => page.getByText(/asks to look again/).first() },
  { name: "queue", role: "MODERATOR_MANAGER", path: "/queues", queue: "Harassment", ready: (page) => page.getByRole("row").nth(1) },
  { name: "analytics", role: "MODERATOR_MANAGER", path: "/analytics?span=30d", ready: (page) => page.getByRole("region", { name: "By queue", exact: true }).first() },
  { name: "quality", role: "MODERATOR_MANAGER", path: "/quality?span=30d", ready: (page) => page.getByRole("heading", { level: 1 }).first() },
  { name: "rules", role: "ADMIN", path: "/rules", ready: (page) => page.getByRole("link", { name: "Plain scams" }) },
  { name: "rule", role: "ADMIN", path: "/rules", ready: async (page) => page.getByRole("link", { name: "Sounds like a threat" }).click().then(() => page.getByRole("heading", { name: "Revisions" })) },
  { name: "rule-builder", role: "ADMIN", path: "/rules", ready: async (page) => page.getByRole("link", { name: "Sounds like a threat" }).click().then(() => page.getByRole("button", { name: /^Edit/ }).click()).then(() => page.getByRole("button", { name: /^Condition 1:/ })) },
  { name: "job-child-safety", role: "CHILD_SAFETY_MODERATOR", path: "/queues", child: "drawn-shapes", ready: (page) => page.getByAltText(/Picture, veiled/) },
  { name: "cybertips", role: "CHILD_SAFETY_MODERATOR", path: "/child-safety", ready: (page) => page.getByRole("link", { name: "testcard" }) },
  { name: "cybertip", role: "CHILD_SAFETY_MODERATOR", path: "/child-safety", ready: async (page) => page.getByRole("link", { name: "testcard" }).click().then(() => page.getByRole("region", { name: "Who looked" })) },
  { name: "ncmec-settings", role: "ADMIN", path: "/settings/ncmec", ready: (page) => page.getByLabel(/^Legal URL/) },
  { name: "routing", role: "ADMIN", path: "/routing", ready: (page) => page.getByText("Everything else") },
  { name: "banks", role: "ADMIN", path: "/banks", ready: (page) => page.getByRole("link", { name: "Scam phrases" }) },
  { name: "text-bank", role: "ADMIN", path: "/banks", ready: async (page) => page.getByRole("link", { name: "Scam phrases" }).click().then(() => page.getByRole("heading", { name: "Versions" })) },
  { name: "exchanges", role: "ADMIN", path: "/banks/exchanges", ready: (page) => page.getByRole("heading", { name: "Fill a bank from an exchange" }) },
  { name: "strikes", role: "ADMIN", path: "/strikes", ready: (page) => page.getByRole("heading", { name: "Users by strikes" }) },
  { name: "bulk-actions", role: "ADMIN", path: "/bulk-actions?new=true", ready: (page) => page.getByLabel("Ids of the items") },
  { name: "retention", role: "ADMIN", path: "/settings/retention", ready: (page) => page.getByText("Yours to change") },
  { name: "erasures", role: "ADMIN", path: "/settings/erasures?new=true", ready: (page) => page.getByText("Their ids, one a line") },
  { name: "operations", role: "ADMIN", path: "/settings/operations", ready: (page) => page.getByRole("heading", { name: "Dead letters" }) },
  { name: "hashes", role: "ADMIN", path: "/settings/integrations/hashes", ready: (page) => page.getByRole("heading", { name: "Model card" }) },
  { name: "integration", role: "ADMIN", path: "/settings/integrations/OPEN_AI", ready: (page) => page.getByRole("heading", { name: "Model card" }) },
  { name: "help", role: "ADMIN", path: "/help/policy-author", ready: (page) => page.getByRole("heading", { level: 1 }).first() },
  { name: "single-sign-on", role: "ADMIN", path: "/settings/single-sign-on/new", ready: (page) => page.getByLabel("Metadata, as XML") },
  { name: "security", role: "MODERATOR", path: "/settings/security", ready: (page) => page.getByRole("heading", { level: 1 }).first() },
];
const PATIENCE_MS = 120_000;
const SIZES = [
  [1440, 900, ""],
  [390, 844, "-narrow"],
];

for (const scheme of ["light", "dark"]) {
  for (const [width, height, suffix] of SIZES) {
    const { browser, page, faults } = await open({ width, height, scheme });
    page.setDefaultTimeout(PATIENCE_MS);
    const asked = new Set();
    page.on("request", (request) => /\/v1\/(?!events)/.test(request.url()) && asked.add(request));
    for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => asked.delete(request));
    const shoot = async (name) => {
      await page.evaluate(() => document.fonts.ready);
      await page.mouse.move(0, 0);
      await settled(page, asked);
      await page.screenshot({ path: join(folder, `${name}-${scheme}${suffix}.png`) });
      console.log(`${name}-${scheme}${suffix}`);
    };
    await page.goto(`${BASE}/sign-in`);
    await page.getByLabel("E-mail").waitFor();
    await shoot("sign-in");
    let signedIn = null;
    for (const { name, role, path, job, kind, queue, child, ready } of PAGES.toSorted((a, b) => a.role.localeCompare(b.role))) {
      if (role === signedIn) await page.goto(`${BASE}${path}`);
      else {
        // Whoever is signed in is led past the door.
        await page.context().clearCookies();
        await signIn(page, role, path);
        signedIn = role;
      }
      if (job) await page.goto(`${BASE}/jobs/${(await jobAbout(page, job)).id}`);
      if (child) await page.goto(`${BASE}/jobs/${(await childSafetyJob(page, child)).id}`);
      if (kind) await page.goto(`${BASE}/jobs/${(await get(page, `/v1/jobs?state=PENDING&kind=${kind}&limit=1`)).items[0].id}`);
      if (queue) await page.goto(`${BASE}/queues/${DEMO.ids.queues[queue]}`);
      await (await ready(page)).waitFor();
      await shoot(name);
    }
    await browser.close();
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }
}

/** Once nothing is being asked for, and no skeleton (they come after 150 ms) is there. */
async function settled(page, asked) {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    await page.waitForTimeout(500);
    if (asked.size === 0 && (await page.locator('[role="status"][aria-label="Loading"]').count()) === 0) return;
  }
}
