// "From nothing to the first decision", step by step.
import assert from "node:assert/strict";

export const PASSWORD = "a lamp above the water";

/** A request of the page of first steps, as somebody copies it. */
async function sample(step) {
  step.named("curl");
  return step.page.getByRole("region", { name: "curl" }).last().innerText();
}

export const start = {
  "1-have-your-organisation-made": async (step, world) => {
    world.organisation = JSON.parse(await world.shell(step.block("bash")));
    world.admin = { email: world.organisation.admin.email, password: PASSWORD };
  },
  "2-sign-in": async (step, world) => {
    await step.page.goto(process.env.COOP_CONSOLE_URL);
    await step.fill("E-mail", world.admin.email, { own: true });
    await step.fill("Password", world.organisation.admin.password, { own: true });
    await step.press("Sign in", { whole: true });
  },
  "3-take-a-password-of-your-own": async (step, world) => {
    await step.page.getByRole("button", { name: /account$/ }).click();
    await step.press("Password and sign-ins");
    await step.fill("Present password", world.organisation.admin.password, { own: true });
    await step.fill("New password", PASSWORD, { own: true });
    await step.fill("New password, again", PASSWORD, { own: true });
    await step.press("Change password");
    await step.page.getByText("Your password was changed.").waitFor();
  },
  "4-look-at-the-first-steps": async (step) => {
    await step.press("First steps", { roles: ["link"] });
    await step.page.getByText(/^\d of 6 done$/).waitFor();
  },
  "5-say-what-people-make": async (step) => {
    const { page } = step;
    await step.press("Make an item type");
    await step.fill("Name", "Comment");
    for (const [at, name] of ["text", "author", "posted_at", "picture"].entries()) {
      await step.press("Field", { roles: ["button"] });
      await step.fill("Field", name, { field: `Name of field ${at + 1}` });
    }
    await step.choose(null, "Related item", { field: "Type of author" });
    await step.choose(null, "Creator", { field: "Role of author" });
    await step.choose(null, "Date and time", { field: "Type of posted_at" });
    await step.choose(null, "Created at", { field: "Role of posted_at" });
    await step.choose(null, "Picture", { field: "Type of picture" });
    await step.press("Create", { roles: ["button"] });
    await page.getByRole("button", { name: "Saved" }).waitFor();
  },
  "6-say-what-is-not-allowed": async (step) => {
    const { page } = step;
    await page.keyboard.press("Escape");
    await step.press("Policies", { roles: ["link"] });
    await step.press("New policy");
    await step.fill("Name", "Spam");
    await step.press("Create", { roles: ["button"] });
    await page.getByRole("button", { name: "Saved" }).waitFor();
  },
  "7-be-ready-to-hear-from-coop": async (step, world) => {
    const { page } = step;
    world.keep("receiver.py", step.block("python"));
    await step.press("Settings", { roles: ["link"] });
    await step.press("API keys");
    await step.see("Signing keys");
    step.named("RSA, in Coop-Signature");
    await step.press("Copy", { within: page.getByRole("row", { name: /RSA, in Coop-Signature/ }) });
    world.keep("coop.pem", await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(world.read("coop.pem").trim(), world.organisation.publicKey.trim());
    world.receiver = await world.startReceiver();
  },
  "8-let-coop-act-on-your-platform": async (step, world) => {
    const { page } = step;
    await step.press("First steps", { roles: ["link"] });
    await step.press("Make an action");
    await step.fill("Name", "Remove");
    await step.choose(null, "Content", { field: "For all" });
    await step.fill("Address", world.receiver, { own: true });
    await step.press("Create", { roles: ["button"] });
    await step.see("Test request");
    await step.press("Send", { roles: ["button"] });
    await page.getByText(/^200 in \d+ ms$/).waitFor();
  },
  "9-make-a-key": async (step, world) => {
    const { page } = step;
    await step.press("API keys", { roles: ["link"] });
    await step.press("New key");
    await step.fill("Name", "Servers", { within: page.getByRole("dialog") });
    await step.press("Make the key");
    world.variables.COOP_KEY = (await page.getByRole("region", { name: "Your key" }).innerText()).trim();
    await step.press("I have copied it");
  },
  "10-send-a-first-item": async (step, world) => {
    await step.press("First steps", { roles: ["link"] });
    await step.see("Send a first item");
    assert.match(await world.shell(await sample(step)), /^HTTP\/1.1 202/);
    await step.see("Received", { exact: true });
  },
  "11-look-at-the-queue": async (step) => {
    await step.press("Queues", { roles: ["link"] });
    await step.press("Default", { roles: ["link"] });
    await step.see("Everybody who reviews");
    await step.fill("Decided within", "240");
    await step.press("Save", { roles: ["button"] });
    await step.page.getByRole("button", { name: "Saved" }).waitFor();
  },
  "12-report-it-as-a-member-of-your-platform-would": async (step, world) => {
    await step.press("First steps", { roles: ["link"] });
    step.named("Show how");
    await step.page.getByRole("button", { name: "Show how: Say what becomes of it" }).click();
    assert.match(await world.shell(await sample(step)), /^HTTP\/1.1 20\d/);
  },
  "13-decide-a-first-job": async (step, world) => {
    const { page } = step;
    step.named("Show how");
    await page.getByRole("button", { name: "Show how: Decide a first job" }).click();
    await step.press("To the queues");
    await step.press("Start", { roles: ["button"], within: page.getByRole("row", { name: /Default/ }) });
    await step.press("Remove", { roles: ["checkbox"] });
    await step.choose("Policy", "Spam");
    await step.press("Submit & next");
    await world.verified("content-1", "Remove");
  },
};
