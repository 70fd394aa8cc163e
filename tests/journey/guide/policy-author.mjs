// "For policy authors", step by step.
import { jobAbout, until } from "../../../services/review-console/browser/browser.mjs";

const saved = (page) => page.getByRole("button", { name: "Saved" }).waitFor();

/** Whatever is open, to a page of the navigation. */
async function leaveSettings(page) {
  await until(async () => {
    if (!new URL(page.url()).pathname.startsWith("/settings")) return true;
    await page.keyboard.press("Escape");
    await page.waitForTimeout(300);
    return false;
  }, "page outside the settings");
}

/** From a draft, by way of the background, each asked about once. */
async function makeLive(step) {
  const dialog = step.page.getByRole("dialog");
  await step.press("Matches and revisions", { roles: ["link"] });
  for (const label of ["Put in background", "Make live"]) {
    await step.press(label, { roles: ["button"] });
    await dialog.getByRole("button", { name: label }).click();
    await dialog.waitFor({ state: "detached" });
  }
}

export const policyAuthor = {
  "1-write-a-policy": async (step) => {
    const { page } = step;
    await leaveSettings(page);
    await step.press("Policies", { roles: ["link"] });
    await step.press("New policy");
    await step.fill("Name", "Scams");
    await step.choose("Below", "Spam");
    await step.fill("Guidelines", "Promises of money for nothing.", { into: page.getByRole("group", { name: "Guidelines" }).getByRole("textbox") });
    await step.press("Create", { roles: ["button"] });
    await saved(page);
  },
  "2-build-it": async (step) => {
    const { page } = step;
    await step.press("Rules", { roles: ["link"] });
    await step.press("New rule");
    await step.fill("Name", "Free money");
    await step.choose("Looks at", "Comment");
    await step.press("Start with Text contains text");
    const looks = page.getByRole("combobox", { name: "What condition 1 looks for" });
    await looks.fill("free money");
    await looks.press("Enter");
    await step.choose("Actions", "Remove");
    await step.choose("Policies", "Scams");
    await step.press("Create", { roles: ["button"] });
    await page.waitForURL(/\/edit$/);
    await saved(page);
  },
  "3-try-it": async (step) => {
    await step.fill("text", "Get your free money here");
    // The page of the draft comes a moment after it is saved, and what was written by then is written again.
    await until(async () => {
      await step.page.getByLabel("text", { exact: true }).and(step.page.locator("input, textarea")).first().fill("Get your free money here");
      return step.page.getByText("It matches", { exact: true }).first().waitFor({ timeout: 5_000 }).then(() => true, () => false);
    }, "verdict of the words");
    await step.see("It matches", { exact: true });
  },
  "4-turn-it-on": async (step) => {
    await makeLive(step);
  },
  "5-see-it-act": async (step, world) => {
    await world.shell(step.block("bash"));
    await world.verified("comment-3", "Remove", ({ rules, policies }) => rules[0]?.name === "Free money" && policies[0]?.name === "Scams");
  },
  "6-make-a-queue-for-what-it-is-about": async (step) => {
    const { page } = step;
    await page.getByRole("link", { name: "Policies", exact: true }).click();
    await page.getByRole("button", { name: /^New policy/ }).click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Known pictures");
    await page.getByRole("button", { name: /^Create/ }).click();
    await saved(page);
    await step.press("Settings", { roles: ["link"] });
    await step.press("Queues", { roles: ["link"] });
    await step.press("New queue");
    await step.fill("Name", "Known pictures");
    await step.press("Everybody who reviews", { roles: ["switch"] });
    await step.press("Create", { roles: ["button"] });
    await saved(page);
  },
  "7-make-a-routing-rule": async (step) => {
    const { page } = step;
    await leaveSettings(page);
    await step.press("Routing", { roles: ["link"] });
    await step.press("New routing rule");
    await step.fill("Name", "Known pictures");
    await step.choose("For types", "Comment");
    await step.choose("Goes to", "Known pictures");
    await step.press("Condition", { roles: ["button"] });
    await step.choose(null, "Policy", { field: "What condition 1 looks at" });
    await step.choose(null, "is", { field: "Comparison of condition 1" });
    await step.choose(null, "Known pictures", { field: "Value of condition 1" });
    await step.choose("State", "Live: it is tried");
    await step.press("Create", { roles: ["button"] });
    await saved(page);
  },
  "8-make-a-bank-of-hashes": async (step, world) => {
    const { page } = step;
    await step.press("Matching banks", { roles: ["link"] });
    await step.press("Media", { roles: ["link"] });
    await step.press("New hash bank");
    await step.fill("Name", "Removed pictures");
    await step.press("Create", { roles: ["button"] });
    await saved(page);
    await page.getByText(step.named("A file"), { exact: true }).click();
    const picture = Buffer.from(await (await fetch(world.variables.PICTURE)).arrayBuffer());
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), step.press("Choose a picture or film")]);
    await chooser.setFiles({ name: "picture.jpg", mimeType: "image/jpeg", buffer: picture });
    await page.getByText(/^Added by/).waitFor();
  },
  "9-look-for-them-by-a-rule": async (step) => {
    const { page } = step;
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    await page.getByRole("button", { name: /^New rule/ }).click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Known pictures");
    await step.choose(null, "Comment", { field: "Looks at" });
    await step.press("Condition", { roles: ["button"], whole: false });
    await step.choose(null, "Any image", { field: "What condition 1 looks at" });
    await page.getByRole("button", { name: /^Signal of condition 1/ }).click();
    const signal = page.getByRole("dialog").getByRole("listitem").filter({ hasText: step.named("Image matches bank") });
    await signal.getByRole("button").first().click();
    await step.press("Use it", { within: signal });
    await step.choose(null, "Removed pictures", { field: "Banks of condition 1" });
    await step.choose(null, "Enqueue Item to Manual Review", { field: "Actions" });
    await step.choose(null, "Known pictures", { field: "Policies" });
    await step.press("Create", { roles: ["button"] });
    await page.waitForURL(/\/edit$/);
    await saved(page);
    await makeLive(step);
  },
  "10-see-one-arrive": async (step, world) => {
    const { page } = step;
    await world.shell(step.block("bash"));
    await jobAbout(page, "comment-4");
    await step.press("Queues", { roles: ["link"] });
    await page.getByRole("row", { name: new RegExp(step.named("Known pictures")) }).getByRole("button", { name: /^Start/ }).waitFor();
  },
};
