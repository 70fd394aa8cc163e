// The door: being invited, a second factor, single sign-on, a new password, the end of a session.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { axe, BASE, call, open, person, signIn } from "./browser.mjs";
import { startProvider } from "./provider.mjs";

const STAMP = Date.now();
const PASSWORD = "a sentence that nobody else says";
let admin;
let session;

before(async () => {
  admin = await open();
  await signIn(admin.page, "ADMIN", "/settings/security");
  session = await open();
  for (const { page } of [admin, session]) page.setDefaultTimeout(10_000);
});
after(async () => {
  await Promise.all([admin.browser.close(), session.browser.close()]);
  // What was refused on purpose is told by the browser too.
  assert.deepEqual([...admin.faults, ...session.faults].filter((one) => !/status of 4\d\d/.test(one)), []);
});

const invite = (name, more = {}) => call(admin.page, "POST", "/v1/invitations", { email: `${name}.${STAMP}@example.org`, role: "MODERATOR", ...more });
const pathOf = (link) => BASE + new URL(link).pathname + new URL(link).hash;

/** RFC 6238, of the step after this one where `ahead` is 1. */
function codeOf(secret, ahead = 0) {
  const bits = Array.from(secret, (letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function give(page, email, password) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

const isIn = (page) => page.getByRole("button", { name: /account$/ }).waitFor();

async function signOut(page) {
  await page.getByRole("button", { name: /account$/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
}

let member;

test("whoever is invited joins with a name and a password, and the link is good once", async () => {
  const { page } = session;
  const { email, link } = await invite("ines");
  member = email;
  await page.goto(pathOf(link));
  await page.getByText(email).waitFor();
  assert.equal(new URL(page.url()).hash, "", "no token stays in the address");
  assert.deepEqual(await axe(page), []);
  await page.getByLabel("Your name").fill("Inês <b>Duarte</b>");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByText("At least 12 characters.", { exact: true }).waitFor();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByText("Your account is there. Sign in.").waitFor();
  await give(page, email, PASSWORD);
  await page.getByRole("button", { name: /Inês <b>Duarte<\/b>/ }).waitFor();
  await signOut(page);
  await page.goto(pathOf(link));
  await page.getByText("This link is good for nothing any more.").waitFor();
});

let codes;
async function codesOn(page) {
  const list = page.getByRole("list", { name: "Keep these codes" });
  await list.waitFor();
  return list.getByRole("listitem").allTextContents();
}

test("a second factor is set up, asked for at the door, and a recovery code is good once", async () => {
  const { page } = session;
  await page.goto(`${BASE}/settings/security`);
  await give(page, member, PASSWORD);
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("Your password, again").fill("not my password at all");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("is wrong").waitFor();
  await page.getByLabel("Your password, again").fill(PASSWORD);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("img", { name: "The secret, to be scanned" }).waitFor();
  const secret = await page.getByRole("button", { name: /^Copy [A-Z2-7 ]+$/ }).getAttribute("title");
  assert.deepEqual(await axe(page), []);
  await page.getByLabel("Code from your authenticator").fill(codeOf(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  codes = await codesOn(page);
  assert.equal(codes.length, 10);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("On. 10 recovery codes are left.").waitFor();

  await signOut(page);
  await give(page, member, PASSWORD);
  const code = page.getByLabel("Code from your authenticator");
  await code.fill("000000");
  await page.keyboard.press("Enter");
  await page.getByText("This code is wrong or too old.").waitFor();
  assert.deepEqual(await axe(page), []);
  await code.fill(codeOf(secret, 1));
  await page.keyboard.press("Enter");
  await isIn(page);

  await signOut(page);
  await give(page, member, PASSWORD);
  await code.fill(codes[0]);
  await page.keyboard.press("Enter");
  await isIn(page);
  await page.goto(`${BASE}/settings/security`);
  await page.getByText("On. 9 recovery codes are left.").waitFor();
  await page.getByRole("button", { name: "New recovery codes" }).click();
  await page.getByLabel("Your password, again").fill(PASSWORD);
  await page.getByRole("button", { name: "New recovery codes" }).click();
  codes = await codesOn(page);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("On. 10 recovery codes are left.").waitFor();
});

test("somebody sees where they are signed in, and ends it there", async () => {
  const { page } = session;
  const other = await open();
  try {
    await other.page.goto(`${BASE}/sign-in?returnTo=%2Fsettings%2Fsecurity`);
    await give(other.page, member, PASSWORD);
    await other.page.getByLabel("Code from your authenticator").fill(codes[1]);
    await other.page.keyboard.press("Enter");
    await other.page.getByRole("table").getByText("This one").waitFor();
    await page.reload();
    await page.getByRole("button", { name: /^Sign out: Chrome on Linux/ }).first().click();
    await page.getByRole("button", { name: /^Sign out: / }).waitFor({ state: "detached" });
    await other.page.goto(`${BASE}/queues`);
    await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
  } finally {
    await other.browser.close();
  }
});

test("a password is changed by whoever knows the present one, and faults stand at their field", async () => {
  const { page } = session;
  await page.getByLabel("Present password").fill("not my password at all");
  await page.getByLabel("New password", { exact: true }).fill(`${PASSWORD}, again`);
  await page.getByLabel("New password, again").fill("something else");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("This is not the same.").waitFor();
  await page.getByLabel("New password, again").fill(`${PASSWORD}, again`);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("is wrong").waitFor();
  assert.equal(await page.getByLabel("New password", { exact: true }).inputValue(), `${PASSWORD}, again`);
  await page.getByLabel("Present password").fill(PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password was changed.").waitFor();
  assert.equal(await page.getByLabel("Present password").inputValue(), "");
  assert.deepEqual(await axe(page), []);
});

test("a second factor is switched off with the password, and a forgotten password is set anew by a link", async () => {
  const { page } = session;
  await page.getByRole("button", { name: "Switch it off" }).click();
  await page.getByLabel("Your password, again").fill(`${PASSWORD}, again`);
  await page.getByRole("button", { name: "Switch it off" }).click();
  await page.getByText("Off. Whoever has your password").waitFor();
  await signOut(page);

  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail").fill(member);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText("If there is an account with this address").waitFor();

  const { items } = await call(admin.page, "GET", "/v1/users?limit=200");
  const { id } = items.find((one) => one.email === member);
  const { link } = await call(admin.page, "POST", `/v1/users/${id}/reset-link`);
  await page.goto(pathOf(link));
  await page.getByLabel("New password").fill("another sentence entirely");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Your password was changed. Sign in with it.").waitFor();
  await give(page, member, "another sentence entirely");
  await isIn(page);
  await signOut(page);
  await page.goto(pathOf(link));
  await page.getByLabel("New password").fill("a third sentence, to no avail");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("This link is good for nothing any more.").waitFor();
});

test("an account that waits for approval says so, and is open once somebody approved it", async () => {
  const { page } = session;
  const { email, link } = await invite("nadia", { requiresApproval: true });
  await page.goto(pathOf(link));
  await page.getByLabel("Your name").fill("Nadia Rahal");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("heading", { name: "Waiting for approval" }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("link", { name: "Back to signing in" }).click();
  await give(page, email, PASSWORD);
  await page.getByRole("heading", { name: "Waiting for approval" }).waitFor();
  const { items } = await call(admin.page, "GET", "/v1/users?limit=200");
  await call(admin.page, "POST", `/v1/users/${items.find((one) => one.email === email).id}/approve`);
  await page.goto(`${BASE}/sign-in`);
  await give(page, email, PASSWORD);
  await isIn(page);
  await signOut(page);
});

test("single sign-on leads to the provider and back to the page asked for; whoever has no account is told", async () => {
  const { page } = session;
  const provider = await startProvider();
  const made = await call(admin.page, "POST", "/v1/identity-providers", provider.document);
  try {
    const { org } = await call(admin.page, "GET", "/v1/session");
    const begin = async (email) => {
      await page.goto(`${BASE}/queues?only=waiting`);
      await page.getByRole("link", { name: "Use single sign-on" }).click();
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Organisation").fill(org.slug ?? org.id);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("heading", { name: "Provider" }).waitFor();
      await page.getByLabel("Address").fill(email);
      await page.getByRole("button", { name: "Continue" }).click();
    };
    await begin(`nobody.${STAMP}@example.org`);
    await page.getByRole("alert").getByText(/there is no account here for you/).waitFor();
    await page.getByRole("button", { name: /^Copy / }).waitFor();
    assert.deepEqual(await axe(page), []);
    await begin(member);
    await page.waitForURL(/\/queues\?only=waiting/);
    await page.getByRole("heading", { name: "Queues" }).waitFor();
    await signOut(page);
  } finally {
    await call(admin.page, "DELETE", `/v1/identity-providers/${made.id}`);
    provider.stop();
  }
});

test("the end of an unused session is warned of by minutes, staying signed in puts it off", async () => {
  const { page } = session;
  await page.clock.install();
  await signIn(page, "MODERATOR_MANAGER", "/investigate?q=hammer");
  await page.getByRole("link", { name: /User hammer of truth/ }).waitFor();
  const { idleExpiresAt, expiresAt } = await call(page, "GET", "/v1/session");
  const idle = Date.parse(idleExpiresAt) - Date.now();
  assert.ok(idle < Date.parse(expiresAt) - Date.now());
  await page.clock.fastForward(idle - 4 * 60_000);
  const strip = page.getByText(/you are signed out in \d:\d\d/);
  const [, minutes, seconds] = /(\d):(\d\d)/.exec(await strip.textContent());
  assert.ok(Number(minutes) * 60 + Number(seconds) > 60);
  assert.deepEqual(await axe(page), []);
  const [asked] = await Promise.all([page.waitForRequest(/\/v1\/session$/), page.getByRole("button", { name: "Stay signed in" }).click()]);
  assert.equal(asked.method(), "GET");
  await strip.waitFor({ state: "detached" });
});

test("a session that ended is gone on with in place: same address, and what was typed is there", async () => {
  const { page } = session;
  await page.getByRole("link", { name: /User hammer of truth/ }).click();
  await page.getByRole("textbox", { name: "Note for your team" }).fill("Half a note");
  const address = page.url();
  const { user } = await call(page, "GET", "/v1/session");
  await call(admin.page, "DELETE", `/v1/users/${user.id}/sessions`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.waitFor();
  assert.equal(await dialog.getByLabel("E-mail").inputValue(), person("MODERATOR_MANAGER").email);
  assert.deepEqual(await axe(page), []);
  await dialog.getByLabel("Password", { exact: true }).fill(person("MODERATOR_MANAGER").password);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.equal(page.url(), address);
  assert.equal(await page.getByRole("textbox", { name: "Note for your team" }).inputValue(), "Half a note");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator("p", { hasText: "Half a note" }).first().waitFor();
});

test("at its end a session asks for signing in by itself, and who signs in in one tab is in in all", async () => {
  const { page, context } = session;
  const other = await context.newPage();
  await other.goto(`${BASE}/queues`);
  await other.getByRole("heading", { name: "Queues" }).waitFor();
  await page.clock.fastForward(13 * 3_600_000);
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.waitFor();
  await call(admin.page, "DELETE", `/v1/users/${(await call(other, "GET", "/v1/session")).user.id}/sessions`);
  await other.reload();
  await other.getByLabel("E-mail").fill(person("MODERATOR_MANAGER").email);
  await other.getByLabel("Password", { exact: true }).fill(person("MODERATOR_MANAGER").password);
  await other.keyboard.press("Enter");
  await other.getByRole("heading", { name: "Queues" }).waitFor();
  await dialog.waitFor({ state: "detached" });
  await other.close();
});
