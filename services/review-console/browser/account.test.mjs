import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, open, signIn } from "./browser.mjs";

test("one's own veil is kept and given back, and choices of look are kept on the account", async () => {
  const { browser, page, faults } = await open();
  await signIn(page, "MODERATOR", "/settings/account");
  await page.getByRole("switch", { name: "Veil words too" }).click();
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  const back = page.getByRole("button", { name: "As my organisation has it" });
  await back.waitFor();
  assert.deepEqual(await axe(page), []);
  const kept = page.waitForResponse((one) => one.url().endsWith("/v1/me/preferences/console") && one.request().method() === "PUT");
  await page.getByRole("combobox", { name: "Contrast" }).or(page.getByRole("textbox", { name: "Contrast" })).first().click();
  await page.getByRole("option", { selected: false }).first().click();
  assert.equal((await kept).status(), 200);
  await back.click();
  await page.getByText("This is what your organisation chose.").waitFor();
  assert.deepEqual(faults, []);
  await browser.close();
});
