// What a job shows before anybody chooses to look.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, jobAbout, open, show, signIn } from "./browser.mjs";

let session;
before(async () => {
  session = await open();
  await signIn(session.page, "MODERATOR", "/queues");
});
after(() => session.browser.close());

test("the network of a job that nobody revealed has no clear byte: not by hovering, walking, printing, nor in lists", async () => {
  const { page } = session;
  const asked = [];
  const note = (request) => asked.push(request.url());
  page.on("request", note);
  const { id, queueId } = await jobAbout(page, "accident");
  await page.goto(`${BASE}/queues/${queueId}`);
  await page.getByRole("table").waitFor();
  await page.getByRole("row").nth(1).hover();
  assert.equal(await page.getByRole("table").locator("img").count(), 0);
  await show(page, id);
  await page.getByAltText(/Picture, veiled/).waitFor();
  await page.getByAltText(/Picture, veiled/).hover();
  for (const key of ["j", "j", "k", "]", "[", "f"]) await page.keyboard.press(key);
  await page.getByRole("dialog").getByAltText(/Picture, veiled/).waitFor();
  await page.keyboard.press("Escape");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByAltText(/Picture, veiled/).isVisible(), false);
  await page.emulateMedia({ media: "screen" });
  page.off("request", note);
  const media = asked.filter((url) => /\/v1\/media\//.test(url));
  assert.ok(media.length > 0);
  assert.deepEqual(media.filter((url) => /reveal|stage=(grey|clear)|part=stream/.test(url)), []);
  assert.deepEqual(asked.filter((url) => /^http/.test(url) && new URL(url).host !== new URL(BASE).host), []);
});

test("words are veiled for whoever chose it, until one key lifts them", async () => {
  const { page } = session;
  await page.route(/\/v1\/(session|bootstrap)$/, async (route) => {
    if (route.request().method() !== "GET") return route.continue();
    const response = await route.fetch();
    const body = await response.json();
    return route.fulfill({ response, json: { ...body, wellness: { ...body.wellness, veilText: true } } });
  });
  await show(page, (await jobAbout(page, "accident")).id);
  await page.getByText("Words are veiled; show them").waitFor();
  assert.ok((await page.locator("[data-block] span[aria-hidden=true]").filter({ hasText: /rondzie/ }).count()) > 0);
  await page.keyboard.press("w");
  await page.getByText("Veil the words").waitFor();
  assert.equal(await page.locator("[data-block] span[aria-hidden=true]").filter({ hasText: /rondzie/ }).count(), 0);
  await page.unroute(/\/v1\/(session|bootstrap)$/);
});
