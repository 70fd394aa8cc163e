// Every page, in every look: what axe finds, what runs over, what overlaps, what the browser complains of.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, DEMO, get, jobAbout, open, signIn, until } from "./browser.mjs";
import { childSafetyJob } from "./child.mjs";
import { startProvider } from "./provider.mjs";
import { routeOf, routes } from "./routes.mjs";

const KEPT = "/v1/me/preferences/console";
/** Addresses that only lead to another one, or are of a moment that nobody comes back to (`sign-in.test.mjs` has it). */
const NOT_WALKED = ["/", "/settings/", "/second-factor"];
let walked;
let provider;

before(async () => {
  const { browser, page } = await open();
  await signIn(page, "MODERATOR_MANAGER", "/queues");
  const post = await jobAbout(page, "accident");
  const thread = await jobAbout(page, "dm-match-311");
  const appeal = await until(async () => (await get(page, "/v1/jobs?state=PENDING&kind=APPEAL&limit=1")).items?.[0], "appeal");
  const decision = await until(async () => (await get(page, "/v1/decision-log?limit=1")).items?.[0], "decision");
  await page.context().clearCookies();
  await signIn(page, "CHILD_SAFETY_MODERATOR", "/queues");
  const child = await childSafetyJob(page, `walked-${Date.now()}`);
  const tip = await until(async () => (await get(page, "/v1/cybertips?limit=1")).items?.[0], "report to NCMEC");
  await page.context().clearCookies();
  await signIn(page, "ADMIN", "/overview");
  const stamp = Date.now();
  const hash = await call(page, "POST", "/v1/hash-banks", { name: `Walked hashes ${stamp}` });
  const location = await call(page, "POST", "/v1/location-banks", { name: `Walked places ${stamp}`, locations: [] });
  provider = await startProvider();
  const sso = await call(page, "POST", "/v1/identity-providers", provider.document);
  await browser.close();
  walked = { post, thread, appeal, decision, child, tip: tip.id, made: { "hash-banks": hash.id, "location-banks": location.id, "identity-providers": sso.id } };
});

after(async () => {
  const { browser, page } = await open();
  await signIn(page, "ADMIN", "/overview");
  for (const [kind, id] of Object.entries(walked?.made ?? {})) await call(page, "DELETE", `/v1/${kind}/${id}`).catch(() => undefined);
  provider?.stop();
  await browser.close();
});

const DOORS = ["/sign-in", "/forgot-password", "/reset_password?token=none", "/signup?token=none", "/awaiting-approval"];
/** By who looks. */
const behind = () => ({
  MODERATOR_MANAGER: [
    "/queues",
    `/queues?peek=${walked.post.queueId}`,
    `/queues/${walked.post.queueId}`,
    `/jobs/${walked.post.id}`,
    `/jobs/${walked.thread.id}`,
    `/jobs/${walked.appeal.id}`,
    "/jobs/00000000-0000-7000-8000-000000000000",
    "/second-review",
    "/decisions",
    `/decisions?peek=${walked.decision.id}`,
    "/investigate",
    "/investigate?q=hammer",
    "/overview",
    "/analytics",
    "/quality",
    "/strikes",
    "/settings/account",
    "/settings/security",
    "/nowhere",
  ],
  CHILD_SAFETY_MODERATOR: [`/jobs/${walked.child.id}`, "/child-safety", `/child-safety/${walked.tip}`],
  ADMIN: [
    "/help",
    "/help/moderator",
    "/policies",
    `/policies/${DEMO.ids.policies.Scams}`,
    "/rules",
    "/rules/new",
    `/rules/${DEMO.ids.rules["Plain scams"]}`,
    `/rules/${DEMO.ids.rules["Plain scams"]}/edit`,
    "/routing",
    `/routing/${DEMO.ids["routing-rules"].Market}`,
    "/banks",
    "/banks/exchanges",
    `/banks/text/${DEMO.ids["text-banks"]["Scam phrases"]}`,
    `/banks/hash/${walked.made["hash-banks"]}`,
    `/banks/location/${walked.made["location-banks"]}`,
    "/settings/item-types",
    `/settings/item-types/${DEMO.ids["item-types"].Post}`,
    "/settings/actions",
    `/settings/actions/${DEMO.ids.actions["Suspend account"]}`,
    "/settings/deliveries",
    "/settings/operations",
    "/settings/erasures",
    "/settings/erasures?new=true",
    "/settings/retention?view=ALL",
    "/bulk-actions",
    "/bulk-actions?new=true",
    "/settings/queues",
    `/settings/queues/${DEMO.ids.queues.Spam}`,
    "/settings/users",
    "/settings/roles?role=MODERATOR",
    "/settings/keys",
    "/settings/first-steps",
    "/settings/general",
    "/settings/wellness",
    "/settings/audit",
    "/settings/ncmec",
    "/settings/integrations",
    "/settings/integrations/OPEN_AI",
    "/settings/integrations/hashes",
    "/settings/single-sign-on",
    "/settings/single-sign-on/new",
    `/settings/single-sign-on/${walked.made["identity-providers"]}`,
  ],
});

test("every route of the console is walked", () => {
  const all = routes();
  assert.ok(all.length > 50, `${all.length} routes`);
  const seen = new Set([...DOORS, ...Object.values(behind()).flat()].map((address) => routeOf(address, all)));
  assert.deepEqual(all.filter((route) => !seen.has(route) && !NOT_WALKED.includes(route)), []);
});

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

/** What axe finds, and finds again half a second later: a page that is still changing is not one yet. */
async function lasting(page) {
  if ((await axe(page)).length === 0) return [];
  await page.waitForTimeout(500);
  return axe(page);
}

/** A page in each look, loaded once: colours and contrast are the browser's to change under it. */
async function faultsOf(page, inFlight, path, looks) {
  await page.goto(`${BASE}${path}`);
  await settled(page, inFlight);
  const faults = [];
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) faults.push(`${over} px wider than the window`);
  faults.push(...(await page.evaluate(overlaps)).map((one) => `overlap ${one}`));
  for (const look of looks) {
    await page.emulateMedia(look);
    await page.waitForFunction((scheme) => document.documentElement.dataset.mantineColorScheme === scheme, look.colorScheme);
    // Colours change gently: what is between two of them is neither.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(Promise.allSettled(document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)))))));
    faults.push(...(await lasting(page)).map((one) => `axe ${JSON.stringify(look)} ${one}`));
  }
  return faults.map((one) => `${path}: ${one}`);
}

const LOOKS = [{ colorScheme: "light", contrast: "no-preference" }, { colorScheme: "dark", contrast: "no-preference" }, { colorScheme: "light", contrast: "more" }, { colorScheme: "dark", contrast: "more" }];
const [LIGHT, DARK] = LOOKS;
// The test locale is mirrored and its words are longer than English: what fits it narrow fits English.
const WALKS = [
  { looks: LOOKS },
  { looks: [DARK], locale: "pseudo" },
  { looks: [LIGHT], width: 320, height: 800, locale: "pseudo" },
];
for (const { locale, looks, ...size } of WALKS) {
  test(`nothing is wrong with any page: ${JSON.stringify({ ...size, locale, looks: looks.length })}`, async () => {
    const { browser, page, faults } = await open(size);
    page.setDefaultTimeout(60_000);
    let chosen = false;
    const choose = async (to) => {
      if (!locale) return;
      await call(page, "PUT", KEPT, { value: { locale: to } });
      chosen = to === locale;
    };
    try {
      const inFlight = new Set();
      page.on("request", (request) => /\/v1\/(?!events)/.test(request.url()) && inFlight.add(request));
      for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => inFlight.delete(request));
      const found = [];
      await page.goto(`${BASE}/sign-in`);
      await page.getByLabel("E-mail").waitFor();
      await page.evaluate((to) => localStorage.setItem("coop.preference", JSON.stringify({ locale: to })), locale);
      for (const path of DOORS) found.push(...(await faultsOf(page, inFlight, path, looks)));
      for (const [role, paths] of Object.entries(behind())) {
        await page.evaluate(() => localStorage.clear());
        await page.context().clearCookies();
        await signIn(page, role, "/settings/account");
        await choose(locale);
        for (const path of paths) found.push(...(await faultsOf(page, inFlight, path, looks)));
        await choose("en");
      }
      // A page that is asked for what is not there is told so by the browser, too.
      found.push(...faults.filter((one) => !/status of 4(01|04|10|22)|no such job/.test(one)));
      assert.deepEqual(found, []);
    } finally {
      if (chosen) await choose("en");
      await browser.close();
    }
  });
}
