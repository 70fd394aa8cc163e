// Everything is a link: an id that is nowhere, or not open to somebody, is a page that says so and whom to ask.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, DEMO, get, jobAbout, open, signIn, until } from "./browser.mjs";
import { routes } from "./routes.mjs";

const NOWHERE = "00000000-0000-7000-8000-000000000000";
let admin;
let outsider;
before(async () => {
  [admin, outsider] = [await open(), await open()];
  for (const { page } of [admin, outsider]) page.setDefaultTimeout(45_000);
  await admin.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(admin.page, "ADMIN", "/settings/account");
  await signIn(outsider.page, "EXTERNAL_MODERATOR", "/settings/account");
});
after(async () => {
  await admin.browser.close();
  await outsider.browser.close();
});

/** What the page says once it asks for nothing more and no grey line is there. */
async function said(page, path) {
  await page.goto(`${BASE}${path}`);
  await page.getByRole("main").first().waitFor();
  await page.waitForLoadState("networkidle").catch(() => undefined);
  await until(async () => {
    // Longer than grey lines wait before they stand in place of anything.
    await page.waitForTimeout(250);
    return (await page.getByRole("status", { name: "Loading" }).count()) === 0 && (await page.getByRole("main").first().innerText()).trim() !== "";
  }, `end of waiting at ${path}`);
  return (await page.getByRole("main").first().innerText()).replaceAll(/\s+/g, " ");
}

test("an id that is nowhere is a page that says so and where to go on, at every address that has one", { timeout: 300_000 }, async () => {
  const found = [];
  // A chapter that is not there is the contents of all.
  for (const route of routes().filter((one) => one.includes("$") && one !== "/help/$chapter")) {
    const path = route.replaceAll(/\$\w+/g, NOWHERE);
    const text = await said(admin.page, path);
    const isTold = /nothing (here|at this)|is not there|no such/i.test(text) && /ask who|whoever/i.test(text);
    if (!isTold) found.push(`${path}: ${text.slice(0, 300)}`);
  }
  assert.deepEqual(found, []);
});

test("an address that is not open to somebody says that it is not, and whom to ask", { timeout: 300_000 }, async () => {
  const { page } = outsider;
  await said(page, "/queues");
  const open = await page.getByRole("navigation").getByRole("link").evaluateAll((all) => all.map((one) => new URL(one.href).pathname));
  const found = [];
  for (const route of routes().filter((one) => !one.includes("$") && !/sign|password|factor|approval|account|security|help|first-steps|^\/$|\/$/.test(one))) {
    // Second reviews are of the queues.
    if (open.includes(route) || route === "/second-review") continue;
    const text = await said(page, route);
    const isTold = /not open to you|may not|needs|not yours|permission/i.test(text) && /ask|whoever|can say/i.test(text);
    if (!isTold) found.push(`${route}: ${text.slice(0, 200)}`);
  }
  assert.deepEqual(found, []);
});

const LINKED = (revision) => [
  ["a queue's list in an order", `/queues/${DEMO.ids.queues.Spam}?sort=severity`, (page) => page.locator('th[aria-sort="descending"]')],
  ["jobs that are alike", `/queues/${DEMO.ids.queues.Spam}?by=AUTHOR`, (page) => page.getByRole("button", { name: /author/i, pressed: true })],
  ["a queue beside the list", `/queues?peek=${DEMO.ids.queues.Spam}`, (page) => page.getByRole("complementary").getByText("Spam").first()],
  ["a filter of decisions", "/decisions?type=%5B%22IGNORE%22%5D", (page) => page.getByRole("button", { name: "Drop the filter Decision" })],
  ["a rule", `/rules/${DEMO.ids.rules["Plain scams"]}`, (page) => page.getByText("Plain scams").first()],
  ["a revision of a rule", `/rules/${DEMO.ids.rules["Plain scams"]}?revision=${revision}`, (page) => page.getByRole("article").filter({ hasText: `r${revision}` }).and(page.locator("[aria-current]"))],
  ["a revision that is not there", `/rules/${DEMO.ids.rules["Plain scams"]}?revision=999999`, (page) => page.getByText(/no revision r999999/)],
];
test("lists, orders, filters, panes, rules and revisions are addresses: opened by somebody else they show the same, and Back leads back", async () => {
  const { page } = admin;
  const { items } = await get(page, `/v1/rules/${DEMO.ids.rules["Plain scams"]}/revisions?limit=20`);
  for (const [what, path, seen] of LINKED(items.at(-1).revision)) {
    await page.goto(`${BASE}/settings/account`);
    await page.goto(`${BASE}${path}`);
    await seen(page).waitFor({ timeout: 20_000 }).catch((error) => assert.fail(`${what}: ${error.message}`));
    assert.ok(page.url().endsWith(path), `${what} became ${page.url()}`);
    await page.goBack();
    await page.waitForURL(/settings\/account/);
  }
});

test("a link to what one looks at is copied whole, without a blank, and that is said", async () => {
  const { page } = admin;
  await page.goto(`${BASE}/decisions?type=%5B%22IGNORE%22%5D`);
  const copy = page.getByRole("button", { name: "Copy link" });
  await copy.click();
  await page.getByRole("status").filter({ hasText: /copied/i }).first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
});

test("every id on a job is shortened in the middle, whole in its title and on the clipboard", async () => {
  const { page } = admin;
  const { id } = await jobAbout(page, "accident");
  await page.goto(`${BASE}/jobs/${id}`);
  const chips = page.getByRole("main").getByRole("button", { name: /^Copy / });
  await chips.first().waitFor();
  const titles = await chips.evaluateAll((all) => all.map((one) => one.title));
  assert.ok(titles.length > 1);
  for (const [at, title] of titles.entries()) {
    const chip = chips.nth(at);
    if (!(await chip.isVisible())) continue;
    await chip.click();
    await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === title.trim(), `${title} on the clipboard`);
    const shown = (await chip.innerText()).trim().split("\n")[0];
    if (/^[0-9a-f-]{36}$/.test(title)) assert.match(shown, /^.{6}….{4}$/);
  }
});

test("a job's menu copies its address, and its item as JSON, each without a blank, and says so", async () => {
  const { page } = admin;
  const { id, itemId } = await jobAbout(page, "accident");
  await page.goto(`${BASE}/jobs/${id}`);
  const copied = async (name, told) => {
    await page.getByRole("button", { name: "More", exact: true }).or(page.getByRole("button", { name: /more|menu/i })).first().waitFor();
    await page.keyboard.press("Shift+M");
    await page.getByRole("menuitem", { name }).click();
    await page.getByRole("status").filter({ hasText: told }).first().waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await copied("Copy link", /address of this job is copied/), page.url());
  const text = await copied(/^Copy .*item|JSON/i, /item is copied/);
  assert.equal(text, text.trim());
  assert.equal(JSON.parse(text).id, itemId);
});
