// Every page, in every look: what axe finds, what runs over, what overlaps, what the browser complains of.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { axe, BASE, call, DEMO, get, jobAbout, open, signIn, until } from "./browser.mjs";

const KEPT = "/v1/me/preferences/console";
let asked;

before(async () => {
  const { browser, page } = await open();
  await signIn(page, "MODERATOR_MANAGER", "/queues");
  const post = await jobAbout(page, "accident");
  const thread = await jobAbout(page, "dm-match-311");
  const appeal = await until(async () => (await get(page, "/v1/jobs?state=PENDING&kind=APPEAL&limit=1")).items?.[0], "appeal");
  const decision = await until(async () => (await get(page, "/v1/decision-log?limit=1")).items?.[0], "decision");
  asked = { post, thread, appeal, decision };
  await browser.close();
});

const doors = ["/sign-in", "/forgot-password", "/reset-password?token=none", "/signup?token=none", "/awaiting-approval"];
const behind = () => [
  "/queues",
  `/queues?peek=${asked.post.queueId}`,
  `/queues/${asked.post.queueId}`,
  `/jobs/${asked.post.id}`,
  `/jobs/${asked.thread.id}`,
  `/jobs/${asked.appeal.id}`,
  "/jobs/00000000-0000-7000-8000-000000000000",
  "/second-review",
  "/decisions",
  `/decisions?peek=${asked.decision.id}`,
  "/investigate",
  "/investigate?q=hammer",
  "/overview",
  "/analytics",
  "/quality",
  "/settings/account",
  "/settings/security",
  "/settings/wellness",
  "/nowhere",
];
/** Of whoever sets the organisation up. */
const settings = () => [
  "/settings/item-types",
  `/settings/item-types/${DEMO.ids["item-types"].Post}`,
  "/settings/actions",
  `/settings/actions/${DEMO.ids.actions["Suspend account"]}`,
  "/settings/deliveries",
  "/settings/operations",
  "/bulk-actions",
  "/bulk-actions?new=true",
  "/settings/queues",
  `/settings/queues/${DEMO.ids.queues.Spam}`,
  "/settings/users",
  "/settings/roles?role=MODERATOR",
  "/settings/keys",
  "/settings/first-steps",
  "/settings/general",
  "/settings/audit",
  "/policies",
  `/policies/${DEMO.ids.policies.Scams}`,
  "/rules",
  `/rules/${DEMO.ids.rules["Plain scams"]}`,
];

/** Once nothing is being asked for, and no grey line stands in place of anything. */
async function settled(page, open) {
  await page.getByRole("main").or(page.getByRole("heading")).first().waitFor();
  await until(async () => {
    await page.waitForTimeout(250);
    return open.size === 0 && (await page.locator('[role="status"][aria-label="Loading"]').count()) === 0;
  }, "quiet page");
}

/** Controls that lie on one another without being in one another, and words that leave their control. */
function overlaps() {
  const shown = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [role=checkbox], [role=tab]")].filter((one) => {
    if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const { width, height } = one.getBoundingClientRect();
    return width > 2 && height > 2;
  });
  // What is laid over the page on purpose (a dialog, a notice, a link that covers its row) is on its own.
  const layer = (one) => {
    for (let at = one; at; at = at.parentElement) if (["fixed", "sticky", "absolute"].includes(getComputedStyle(at).position)) return at;
    return document.body;
  };
  /** What of a box is shown: what is scrolled away lies under nothing. */
  const within = (one, { left, top, right, bottom }) => {
    const box = { left, top, right, bottom };
    for (let at = one.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflow === "visible") continue;
      const its = at.getBoundingClientRect();
      box.left = Math.max(box.left, its.left);
      box.top = Math.max(box.top, its.top);
      box.right = Math.min(box.right, its.right);
      box.bottom = Math.min(box.bottom, its.bottom);
    }
    return box;
  };
  // A link in a sentence has a box on each of its lines.
  const seen = shown.map((one) => ({ one, boxes: [...one.getClientRects()].map((box) => within(one, box)), layer: layer(one) }));
  const meet = (box, its) => Math.min(box.right, its.right) - Math.max(box.left, its.left) > 2 && Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top) > 2;
  const named = (one) => `${one.tagName} "${one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 60)}"`;
  const found = [];
  seen.forEach(({ one, boxes, layer: mine }, index) => {
    for (const { one: other, boxes: its, layer: theirs } of seen.slice(index + 1)) {
      if (mine !== theirs || one.contains(other) || other.contains(one)) continue;
      if (boxes.some((box) => its.some((at) => meet(box, at)))) found.push(`${named(one)} ⨯ ${named(other)}`);
    }
  });
  return found;
}

async function faultsOf(page, inFlight, path) {
  await page.goto(`${BASE}${path}`);
  await settled(page, inFlight);
  const faults = (await axe(page)).map((one) => `axe ${one}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) faults.push(`${over} px wider than the window`);
  faults.push(...(await page.evaluate(overlaps)).map((one) => `overlap ${one}`));
  return faults.map((one) => `${path}: ${one}`);
}

const LOOKS = [
  { scheme: "light" },
  { scheme: "dark" },
  { scheme: "light", contrast: "more" },
  { scheme: "dark", contrast: "more" },
  { scheme: "light", width: 320, height: 800 },
  { scheme: "dark", locale: "pseudo" },
  { scheme: "light", width: 320, height: 800, locale: "pseudo" },
];
for (const { locale, ...look } of LOOKS) {
  test(`nothing is wrong with any page: ${JSON.stringify({ ...look, locale })}`, async () => {
    const { browser, page, faults } = await open(look);
    try {
      const inFlight = new Set();
      page.on("request", (request) => /\/v1\/(?!events)/.test(request.url()) && inFlight.add(request));
      for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => inFlight.delete(request));
      const found = [];
      await page.goto(`${BASE}/sign-in`);
      await page.getByLabel("E-mail").waitFor();
      await page.evaluate((to) => localStorage.setItem("coop.preference", JSON.stringify({ locale: to })), locale);
      for (const path of doors) found.push(...(await faultsOf(page, inFlight, path)));
      await page.evaluate(() => localStorage.clear());
      await signIn(page, "MODERATOR_MANAGER", "/queues");
      if (locale) await call(page, "PUT", KEPT, { value: { locale } });
      for (const path of behind()) found.push(...(await faultsOf(page, inFlight, path)));
      if (locale) await call(page, "PUT", KEPT, { value: { locale: "en" } });
      await page.evaluate(() => localStorage.clear());
      await page.context().clearCookies();
      await signIn(page, "ADMIN", "/settings/account");
      if (locale) await call(page, "PUT", KEPT, { value: { locale } });
      for (const path of settings()) found.push(...(await faultsOf(page, inFlight, path)));
      // A page that is asked for what is not there is told so by the browser, too.
      found.push(...faults.filter((one) => !/status of 4(01|04|10|22)|no such job/.test(one)));
      assert.deepEqual(found, []);
    } finally {
      if (locale) await call(page, "PUT", KEPT, { value: { locale: "en" } });
      await browser.close();
    }
  });
}
