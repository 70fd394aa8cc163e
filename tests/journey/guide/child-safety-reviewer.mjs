// "For child-safety reviewers", step by step: an administrator sets it up, a reviewer reports.
import assert from "node:assert/strict";

import { get, jobAbout, until } from "../../../services/review-console/browser/browser.mjs";

const saved = (page) => page.getByRole("button", { name: "Saved" }).waitFor();
const by = (follow) => ({ by: "child-safety reviewer", follow });

export const childSafetyReviewer = {
  "1-make-a-queue-for-it": async (step) => {
    const { page } = step;
    await step.press("Settings", { roles: ["link"] });
    await step.press("Queues", { roles: ["link"] });
    await step.press("New queue");
    await step.fill("Name", "Child safety");
    await step.choose("Roles", "Child Safety Moderator");
    await step.press("Create", { roles: ["button"] });
    await saved(page);
  },
  "2-say-who-reports": async (step) => {
    const { page } = step;
    await step.press("Reports to NCMEC", { roles: ["link"] });
    const enter = async (label, value, own = true) => {
      await step.fill(label, value, { own, field: new RegExp(`^${label}`) });
    };
    // Those of the simulator: they open nothing else.
    await enter("Username", "demo");
    await enter("Password", "demo");
    await enter("Company report name", "Lighthouse", false);
    await enter("Legal URL", "https://lighthouse.example/law");
    await enter("Contact e-mail", "safety@lighthouse.example");
    await step.choose("Default NCMEC queue", "Child safety", { field: /^Default NCMEC queue/ });
    await page.getByText("Jobs about child safety go to: Child safety.").waitFor();
    step.named("Look at all media");
    await page.getByRole("checkbox", { name: "Look at all media" }).uncheck();
    await step.press("Save", { roles: ["button"] });
    await page.getByText("Saved.").waitFor();
  },
  "3-turn-it-on": async (step) => {
    const { page } = step;
    await step.press("Turn reporting on…");
    await step.fill("Type the company report name", "Lighthouse");
    await step.press("Turn reporting on", { roles: ["button"], whole: true, within: page.getByRole("dialog") });
    await until(async () => (await get(page, "/v1/ncmec-settings")).enabled, "reporting that is on");
  },
  "4-send-a-report-for-child-safety": async (step, world) => {
    await world.shell(step.block("bash"));
    await jobAbout(step.page, "user-3");
  },
  "5-take-the-job": by(async (step) => {
    const { page } = step;
    await step.press("Queues", { roles: ["link"] });
    await step.press("Start", { roles: ["button"], within: page.getByRole("row", { name: new RegExp(step.named("Child safety")) }) });
    await page.getByRole("heading", { name: "All media" }).waitFor();
  }),
  "6-look-and-give-a-category": by(async (step) => {
    const { page } = step;
    await step.see("Definitions");
    await page.getByAltText(/Picture, veiled/).waitFor();
    await page.getByRole("heading", { name: /^Picture 1 of 1/ }).focus();
    const pressed = (key, shown) =>
      until(async () => {
        await page.keyboard.press(key);
        await page.waitForTimeout(300);
        return (await shown().count()) > 0;
      }, `what ${key} shows`);
    await pressed("b", () => page.getByAltText(/Picture as sent/));
    await page.keyboard.press("c");
    await page.getByText("1 of 1 looked at").waitFor();
    await pressed("l", () => page.getByRole("radio", { name: new RegExp(`^${step.named("B1")}`), checked: true }));
  }),
  "7-report": by(async (step) => {
    await step.fill("Type the user id", "user-3", { field: /^Type the user id/ });
    await step.press("Send test report of this account");
  }),
  "8-see-it-filed": by(async (step) => {
    const { page } = step;
    const filed = await until(async () => (await get(page, "/v1/cybertips?progress=FILED")).items.find((one) => one.user.id === "user-3"), "report at the simulator");
    assert.equal(filed.environment, "TEST");
    assert.ok(filed.reportId);
    await step.press("Child safety", { roles: ["link"] });
    await page.getByText(filed.reportId).waitFor();
    await step.see("Filed");
  }),
};
