// Several tabs of one person: one event stream, the same job, drafts, choices, claims.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, emptyHanded, get, open, painted, pickNothing, reported, signIn, until } from "./browser.mjs";

const TABS = 10;
const WITHIN_MS = 1000;
let session;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
});
after(() => session.browser.close());

/** It is there within a second of now. */
async function within(look, what) {
  const began = performance.now();
  await look();
  const took = performance.now() - began;
  assert.ok(took < WITHIN_MS, `${what} in the other tab after ${took.toFixed(0)} ms`);
}

test("ten tabs work, with one event stream for all, and another takes over when that one is closed", async () => {
  const { context, page } = session;
  const streams = new Set();
  context.on("request", (request) => request.url().endsWith("/v1/events") && streams.add(request.frame().page()));
  const tabs = [];
  for (let number = 0; number < TABS; number += 1) {
    const tab = await context.newPage();
    tabs.push(tab);
    await tab.goto(`${BASE}/queues`);
    await tab.getByRole("row", { name: /Spam/ }).waitFor();
    await tab.getByRole("link", { name: /Queues \d/ }).waitFor();
  }
  assert.ok(streams.size <= 1, `${streams.size} tabs listen`);
  await page.goto("about:blank");
  await until(() => streams.size >= 1 && tabs.some((tab) => streams.has(tab)), "tab that listens in place of the first");
  assert.equal(tabs.filter((tab) => streams.has(tab)).length, 1);
  for (const tab of tabs) await tab.close();
  await page.goto(`${BASE}/queues`);
});

test("the same job in two tabs says so in both; what is decided in one is decided in the other within a second", async () => {
  const { context, page } = session;
  const [{ id }] = await reported(page, `twice-${Date.now()}`, 2);
  const other = await context.newPage();
  for (const tab of [page, other]) {
    await tab.goto(`${BASE}/jobs/${id}`);
    await until(async () => (await painted(tab)) === id, "job");
  }
  for (const tab of [page, other]) await tab.getByText("This job is open in another tab too.").waitFor();
  await page.bringToFront();
  await pickNothing(page);
  await page.keyboard.press("Control+Enter");
  await until(async () => (await get(page, `/v1/jobs/${id}`)).state === "CLOSED", "decision");
  const told = Date.now();
  await other.getByText(/^Decided .* by /).waitFor();
  assert.ok(Date.now() - told < WITHIN_MS, `${Date.now() - told} ms`);
  await other.close();
});

test("a claim, a choice of look and a draft of one tab are in the others", async () => {
  const { context, page } = session;
  const [{ id }] = await reported(page, `shared-${Date.now()}`, 1);
  const other = await context.newPage();
  await other.goto(`${BASE}/queues`);
  await other.getByRole("row", { name: /Spam/ }).waitFor();
  await page.goto(`${BASE}/jobs/${id}`);
  await until(async () => (await painted(page)) === id, "job");
  await page.bringToFront();
  await page.keyboard.press("x");
  await page.getByText("left on claim", { exact: true }).waitFor();
  await within(() => other.getByText(/left on (your claim|the first of)/).first().waitFor(), "claim");
  await page.keyboard.press("r");
  await page.keyboard.type("Begun in the first tab.");
  await page.getByText(/^Draft kept/).waitFor();
  await other.goto(`${BASE}/jobs/${id}`);
  await until(async () => (await painted(other)) === id, "job in the other tab");
  assert.equal(await other.getByLabel(/Reason/).inputValue(), "Begun in the first tab.");
  // And what is entered while both have it open.
  await page.getByLabel(/Reason/).fill("Gone on in the first tab.");
  await within(() => until(async () => (await other.getByLabel(/Reason/).inputValue()) === "Gone on in the first tab.", "draft in the other tab"), "draft");
  const before = await page.evaluate(() => document.documentElement.dataset.density);
  await page.goto(`${BASE}/settings/account`);
  await page.getByRole("combobox", { name: "Density" }).or(page.getByRole("textbox", { name: "Density" })).first().click();
  await page.getByRole("option", { selected: false }).first().click();
  const density = () => page.evaluate(() => document.documentElement.dataset.density);
  const chosen = await until(async () => (await density()) !== before && density(), "density that was chosen");
  await within(() => other.waitForFunction((density) => document.documentElement.dataset.density === density, chosen), "choice of look");
  await other.close();
});
