// "For moderators", step by step; by somebody else than who made the first decision.
import { until } from "../../../services/review-console/browser/browser.mjs";

const start = async (step, queue) => {
  await step.press("Start", { roles: ["button"], within: step.page.getByRole("row", { name: new RegExp(step.named(queue)) }) });
  await step.page.getByRole("checkbox", { name: /No violation|Reject the appeal/ }).waitFor();
};

const moderator = {
  "1-take-the-next-job": async (step) => {
    await step.press("Queues", { roles: ["link"] });
    await start(step, "Default");
    await step.see("Extend");
  },
  "2-read-and-decide": async (step) => {
    await step.press("No violation", { roles: ["checkbox"] });
    await step.press("Submit & next");
    await step.page.getByText(/All caught up|Nothing else waits/).first().waitFor();
  },
  "3-look-at-a-picture": async (step, world) => {
    const { page } = step;
    await step.press("Queues", { roles: ["link"] });
    await start(step, "Known pictures");
    await page.getByAltText(/veiled/).first().waitFor();
    await until(async () => {
      await page.keyboard.press("b");
      await page.waitForTimeout(300);
      return (await page.getByAltText(/as sent/).count()) > 0;
    }, "picture in grey");
    await page.keyboard.press("c");
    await page.keyboard.press("Shift+B");
    await page.getByAltText(/veiled/).first().waitFor();
    await step.press("Remove", { roles: ["checkbox"] });
    await step.choose("Policy", "Known pictures");
    await step.press("Submit & next");
    await world.verified("comment-4", "Remove");
  },
  "4-decide-an-appeal": async (step, world) => {
    await step.press("Queues", { roles: ["link"] });
    await start(step, "Appeals");
    await step.press("Accept the appeal", { roles: ["checkbox"] });
    const back = step.control("Take back what it is against", { roles: ["checkbox", "switch"] });
    step.named("Take back what it is against");
    await back.check();
    await step.press("Submit & next");
    await world.verified("content-1", null, ({ appealId, appealDecision }) => appealId === "appeal-1" && appealDecision === "ACCEPT");
    await world.verified("content-1", "Restore");
  },
};

const by = (name, script) => Object.fromEntries(Object.entries(script).map(([anchor, follow]) => [anchor, { by: name, follow }]));
const asModerator = by("moderator", moderator);
export { asModerator as moderator };
