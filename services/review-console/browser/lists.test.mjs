// Lists as people work with them: sorted, picked over pages, empty for a reason; moments in one's own zone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, emptyHanded, get, open, reported, signIn, until } from "./browser.mjs";

const A_PAGE = 50;
const MOST_AT_ONCE = 200;
let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
});
after(() => session.browser.close());

const spam = async (page) => (await get(page, "/v1/queues")).items.find((one) => one.name === "Spam").id;
const picked = (page) => page.locator('tbody [role="checkbox"][aria-checked="true"], tbody input[type="checkbox"]:checked');

test("a list is sorted by the buttons of its head, which say how, and the order is the address", async () => {
  const { page } = session;
  await reported(page, `sorted-${Date.now()}`, 3);
  await page.goto(`${BASE}/queues/${await spam(page)}`);
  const head = page.getByRole("columnheader", { name: /waits|waiting/i }).first();
  const way = () => head.getAttribute("aria-sort");
  await head.getByRole("button").first().click();
  const first = await until(way, "way of sorting");
  await page.waitForURL(/sort=/);
  await head.getByRole("button").first().click();
  await until(async () => ![null, first].includes(await way()), "other way of sorting");
  const address = page.url();
  await page.reload();
  await until(async () => ![null, first].includes(await way()), "way of sorting after a reload");
  assert.equal(page.url(), address);
});

test("a range is picked with Shift, stays picked in another order, and is let go of by one key", async () => {
  const { page } = session;
  await page.goto(`${BASE}/queues/${await spam(page)}?sort=age`);
  const boxes = page.locator("tbody").getByRole("checkbox");
  await boxes.nth(2).waitFor();
  await boxes.first().click();
  await boxes.nth(2).click({ modifiers: ["Shift"] });
  await page.getByText("3 picked").first().waitFor();
  await page.getByRole("columnheader", { name: "Severity" }).getByRole("button").first().click();
  await page.waitForURL(/sort=severity/);
  await boxes.first().waitFor();
  await page.getByText("3 picked").first().waitFor();
  await page.getByRole("region", { name: /list$/ }).first().focus();
  await page.keyboard.press("Escape");
  await page.getByText("3 picked").first().waitFor({ state: "detached" });
  assert.equal(await picked(page).count(), 0);
});

test("all that is shown is picked, then all that fits, by one button; it stays picked over pages and orders, and is decided from one bar", async () => {
  const { page } = session;
  const queueId = await spam(page);
  const waits = async () => (await get(page, `/v1/jobs?queueId=${queueId}&state=PENDING&count=true&limit=1`)).count.value;
  if ((await waits()) <= A_PAGE) await reported(page, `many-${Date.now()}`, A_PAGE + 2 - (await waits()));
  await page.goto(`${BASE}/queues/${queueId}?sort=age`);
  const rows = page.locator("tbody tr[id]");
  await rows.nth(A_PAGE - 1).waitFor();
  await page.getByRole("checkbox", { name: "Select all shown" }).click();
  await page.getByText(`All ${A_PAGE} shown are selected.`).waitFor();
  const bar = page.getByRole("region", { name: /picked$/ });
  await bar.getByText(`${A_PAGE} picked`).waitFor();
  // The next page comes, and what was picked is picked.
  await page.getByRole("button", { name: "Load more" }).click();
  await until(async () => (await rows.count()) !== A_PAGE, "next page");
  await bar.getByText(`${A_PAGE} picked`).waitFor();
  await page.reload();
  await rows.nth(A_PAGE - 1).waitFor();
  await page.getByRole("checkbox", { name: "Select all shown" }).click();
  await page.getByRole("button", { name: /^Select all (\d+ )?that fit$/ }).click();
  const told = page.getByText(/^(All|The first) \d+ that fit are selected/);
  await told.waitFor();
  const picked = Number(/\d+/.exec(await told.textContent())[0]);
  assert.ok(picked > A_PAGE && picked <= MOST_AT_ONCE, `${picked}`);
  await bar.getByText(`${picked} picked`).waitFor();
  await page.getByRole("columnheader", { name: "Severity" }).getByRole("button").first().click();
  await page.waitForURL(/sort=severity/);
  await rows.first().waitFor();
  await bar.getByText(`${picked} picked`).waitFor();
  await page.getByRole("region", { name: /list$/ }).first().focus();
  await page.keyboard.press("a");
  await page.getByRole("complementary", { name: /^Decide/ }).getByText(String(picked)).first().waitFor();
  await page.getByRole("complementary", { name: /^Decide/ }).getByRole("checkbox").first().waitFor();
  await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  await bar.getByRole("button", { name: /^Clear/ }).click();
  await bar.waitFor({ state: "detached" });
});

test("a column that is hidden stays hidden on the account, and on another machine", async () => {
  const { page } = session;
  const kept = () => page.waitForResponse((one) => one.url().endsWith("/v1/me/preferences/console") && one.request().method() === "PUT");
  await page.goto(`${BASE}/decisions?peek=none`);
  await page.locator("tbody tr[id]").first().waitFor();
  const choice = page.getByRole("button", { name: "Columns" });
  await choice.click();
  const box = page.getByRole("checkbox").and(page.locator(".mantine-Menu-dropdown input, [role=menu] input")).last();
  const name = await box.evaluate((one) => one.labels[0].textContent);
  const told = kept();
  await box.click();
  assert.equal((await told).status(), 200);
  await page.getByRole("columnheader", { name, exact: true }).waitFor({ state: "detached" });
  const other = await open();
  try {
    await signIn(other.page, "MODERATOR", "/decisions?peek=none");
    await other.page.locator("tbody tr[id]").first().waitFor();
    await other.page.getByRole("columnheader", { name, exact: true }).waitFor({ state: "detached" });
  } finally {
    await other.browser.close();
    await call(page, "PUT", "/v1/me/preferences/console", { value: {} });
  }
});

test("an empty list says why it is empty and where to go on: nothing fits, nothing yet", async () => {
  const { page } = session;
  const admin = await open();
  await signIn(admin.page, "ADMIN", "/queues");
  const name = `Quiet ${Date.now()}`;
  const made = await call(admin.page, "POST", "/v1/queues", { name });
  try {
    await admin.page.goto(`${BASE}/queues/${made.id}`);
    const list = admin.page.getByRole("main");
    await list.getByRole("heading", { name: `Nothing waits in ${name}` }).waitFor();
    await list.getByText("New jobs appear here by themselves.").waitFor();
    await list.getByRole("link", { name: "To the queues" }).last().click();
    await admin.page.waitForURL(/\/queues$/);
  } finally {
    await call(admin.page, "DELETE", `/v1/queues/${made.id}`);
    await admin.browser.close();
  }
  await page.goto(`${BASE}/decisions?since=2001-01-01&until=2001-01-02`);
  await page.getByRole("heading", { name: "No decision fits this filter" }).waitFor();
  await page.getByText("Others may fit without it, or on other days.").waitFor();
  await page.getByRole("button", { name: "Clear" }).first().waitFor();
});

test("moments are of the zone that somebody chose, with its name; this machine's does not matter", async () => {
  const { page } = session;
  await page.goto(`${BASE}/settings/account`);
  const zone = page.getByRole("textbox", { name: "Time zone" }).or(page.getByRole("combobox", { name: "Time zone" })).first();
  const choose = async (name, option = new RegExp(`^${name}$`)) => {
    await page.goto(`${BASE}/settings/account`);
    await zone.click();
    await zone.fill(name);
    await page.getByRole("option", { name: option }).click();
  };
  try {
    for (const timeZone of ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"]) {
      await choose(timeZone);
      await page.goto(`${BASE}/decisions`);
      const moment = page.locator("tbody time").first();
      await moment.waitFor();
      const at = await moment.getAttribute("datetime");
      const clock = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(at));
      const title = await moment.getAttribute("title");
      assert.ok(title.includes(clock), `${title} of ${at} in ${timeZone}`);
      assert.match(title, /GMT|UTC|[A-Z]{3,4}/);
    }
  } finally {
    await choose("This machine", /machine/i);
  }
});

test("a moment that is copied is whole, in ISO 8601, whatever zone it is shown in", async () => {
  const { page, context } = session;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${BASE}/decisions?peek=none`);
  const moment = page.locator("tbody time").first();
  await moment.waitFor();
  const at = await moment.getAttribute("datetime");
  await moment.evaluate((one) => document.getSelection().selectAllChildren(one));
  await page.keyboard.press("Control+c");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, new Date(at).toISOString());
});

test("a day of 25 hours has 25 rows, one of 23 has 23", async () => {
  const other = await open();
  await signIn(other.page, "MODERATOR_MANAGER", "/overview");
  for (const [day, hours] of [
    ["2026-10-25", 25],
    ["2026-03-29", 23],
    ["2026-10-24", 24],
  ]) {
    await other.page.goto(`${BASE}/overview?from=${day}&to=${day}&by=HOUR`);
    await other.page.getByRole("button", { name: "Show Total actions as a table" }).click();
    const rows = other.page.getByRole("region", { name: "Total actions" }).locator("tbody tr");
    await rows.first().waitFor();
    assert.equal(await rows.count(), hours, day);
  }
  await other.browser.close();
});
