// "For platform integrators", step by step.
import assert from "node:assert/strict";

import { jobAbout } from "../../../services/review-console/browser/browser.mjs";

export const integrator = {
  "1-send-accounts": async (step, world) => {
    await world.shell(step.block("bash"));
  },
  "2-send-content-as-it-is-made": async (step, world) => {
    assert.equal((await world.python(step.block("python"))).trim(), "202");
  },
  "3-pass-on-what-is-reported": async (step, world) => {
    assert.match(await world.shell(step.block("bash")), /reportId/);
    await jobAbout(step.page, "comment-2");
  },
  "4-pass-on-an-appeal": async (step, world) => {
    await world.shell(step.block("bash"));
    const { kind } = await jobAbout(step.page, "content-1");
    assert.equal(kind, "APPEAL");
  },
  "5-look-into-deliveries": async (step) => {
    await step.page.keyboard.press("Escape");
    await step.press("Settings", { roles: ["link"] });
    await step.press("Deliveries", { roles: ["link"] });
    await step.press("What became of it");
    await step.page.getByRole("region", { name: "Body" }).waitFor();
  },
};
