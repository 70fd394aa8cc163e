import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, open, signIn } from "./browser.mjs";

test("the overview asks once, keeps its choices in the address, and has a table behind its chart", async () => {
  const { browser, page, faults } = await open();
  const asked = [];
  page.on("request", (request) => request.url().endsWith("/v1/analytics/query") && asked.push(request.postDataJSON()));
  await signIn(page, "MODERATOR_MANAGER", "/overview");
  await page.getByRole("heading", { name: "Decisions per moderator" }).waitFor();
  assert.equal(asked.length, 1);
  assert.ok(asked[0].questions.length <= 12);
  assert.ok(asked[0].questions.every((question) => question.timeZone === "Europe/Berlin"));
  await page.getByText("Europe/Berlin").first().waitFor();

  // Hours are for three days at most, and the control says so.
  const hourly = page.getByRole("button", { name: "Hourly" });
  assert.equal(await hourly.getAttribute("aria-disabled"), "true");
  await page.getByRole("button", { name: /7 days$/ }).click();
  await page.getByRole("button", { name: "Today", exact: true }).click();
  await page.waitForURL(/span=today/);
  await page.getByRole("button", { name: "Hourly", pressed: true }).waitFor();

  await page.goto(new URL("/overview?from=2026-01-05&to=2026-01-06&by=HOUR", page.url()).href);
  await page.getByText("No actions between 5 Jan and 6 Jan").waitFor();
  await page.getByRole("button", { name: "Show Total actions as a table" }).click();
  assert.equal(await page.getByRole("region", { name: "Total actions" }).locator("tbody tr").count(), 48);
  assert.deepEqual(await axe(page), []);

  await page.getByRole("button", { name: "More for Total actions" }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Save as CSV" }).click()]);
  assert.equal(file.suggestedFilename(), "actions-2026-01-05-2026-01-06.csv");
  assert.deepEqual(faults, []);
  await browser.close();
});
