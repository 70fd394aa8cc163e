// "For administrators", step by step.
import assert from "node:assert/strict";

import { get } from "../../../services/review-console/browser/browser.mjs";

import { PASSWORD } from "./start.mjs";

const saved = (page) => page.getByRole("button", { name: "Saved" }).waitFor();

/** Sends an invitation, and keeps its link. */
async function invite(page, email, role) {
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: /^Invite/ }).first().click();
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: role, exact: true }).click();
  await dialog.getByRole("button", { name: "Invite", exact: true }).click();
  const link = (await page.getByRole("region", { name: "Link" }).innerText()).trim();
  await page.getByRole("button", { name: "I have copied it" }).click();
  return link;
}

/** Where the link leads, at the address that this browser knows the console by. */
const reachable = (link) => process.env.COOP_CONSOLE_URL + new URL(link).pathname + new URL(link).hash;

async function signIn(page, email) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: /account$/ }).waitFor();
}

export const administrator = {
  "1-invite-a-moderator": async (step, world) => {
    const { page } = step;
    await step.press("Settings", { roles: ["link"] });
    await step.press("Users", { roles: ["link"] });
    for (const label of ["Invite", "E-mail", "Moderator", "Role", "I have copied it"]) step.named(label);
    world.invited = { moderator: await invite(page, "mo@lighthouse.example", "Moderator") };
  },
  "2-join": {
    by: "moderator",
    follow: async (step, world) => {
      const { page } = step;
      await page.goto(reachable(world.invited.moderator));
      await step.fill("Your name", "Mo", { own: true });
      await step.fill("Password", PASSWORD, { own: true });
      await step.press("Join");
      await page.getByText("Your account is there. Sign in.").waitFor();
      await signIn(page, "mo@lighthouse.example");
    },
  },
  "3-invite-somebody-for-child-safety": async (step, world) => {
    const { page } = step;
    step.named("Child Safety Moderator");
    const link = await invite(page, "chi@lighthouse.example", "Child Safety Moderator");
    const other = (await world.browserOf("child-safety reviewer")).page;
    await other.goto(reachable(link));
    await other.getByLabel("Your name").fill("Chi");
    await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await other.getByRole("button", { name: "Join" }).click();
    await other.getByText("Your account is there. Sign in.").waitFor();
    await signIn(other, "chi@lighthouse.example");
    await step.press("Roles", { roles: ["link"] });
    await step.see("New role");
  },
  "4-say-how-an-action-is-taken-back": async (step, world) => {
    const { page } = step;
    await step.press("Actions", { roles: ["link"] });
    await step.press("New action");
    await step.fill("Name", "Restore");
    await step.choose(null, "Content", { field: "For all" });
    await step.fill("Address", world.receiver, { own: true });
    await step.press("Create", { roles: ["button"] });
    await saved(page);
    await page.getByRole("link", { name: "Actions", exact: true }).first().click();
    await step.press("Remove", { roles: ["link"], whole: true });
    await step.choose("Taken back by", "Restore");
    await step.press("Save", { roles: ["button"] });
    await saved(page);
    world.variables.REMOVE = new URL(page.url()).pathname.split("/").at(-1);
  },
  "5-let-people-appeal": async (step, world) => {
    const { page } = step;
    await step.press("General", { roles: ["link"] });
    await step.press("People may appeal", { roles: ["switch"] });
    await step.fill("Decisions to", world.receiver, { own: true });
    await step.press("Save", { roles: ["button"] });
    await saved(page);
  },
  "6-read-the-audit-log": async (step, world) => {
    const { page } = step;
    await step.press("Audit log", { roles: ["link"] });
    await step.press("What was recorded");
    await page.getByText(/of the chain/).first().waitFor();
    const { items } = await get(page, "/v1/item-types");
    world.variables.COMMENT = items.find((one) => one.name === "Comment").id;
    world.variables.PERSON = items.find((one) => one.kind === "USER").id;
    assert.ok(world.variables.COMMENT && world.variables.PERSON);
  },
};
