// Keys: none of a page means two things, none is heard where it is not meant, and one's own are on every machine.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, DEMO, emptyHanded, get, jobAbout, open, painted, pickNothing, reported, show, signIn, until } from "./browser.mjs";

let session;
let job;
before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR", "/queues");
  await emptyHanded(session.page);
  [job] = await reported(session.page, `keys-${Date.now()}`, 1);
});
after(() => session.browser.close());

/** What the sheet lists: `{ scope: [["g q", "Queues"], …] }`, each way to press a command on its own. */
async function sheet(page) {
  const dialog = page.getByRole("dialog", { name: "Keys" });
  // A page that is only just there may not hear yet, or has the keyboard in its field of search.
  await until(async () => {
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press("?");
    return (await dialog.count()) > 0;
  }, "sheet of keys");
  await dialog.locator("tbody").first().waitFor();
  const listed = await dialog.evaluate((one) =>
    Object.fromEntries(
      [...one.querySelectorAll("tbody")].map((body) => [
        body.querySelector("th").textContent,
        [...body.querySelectorAll("tr")].slice(1).flatMap((row) => [...row.querySelectorAll("td:nth-child(2) > span")].map((way) => [[...way.querySelectorAll("kbd")].map((key) => key.textContent).join(" "), row.querySelector("td").textContent])),
      ]),
    ),
  );
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  return listed;
}

const HELD = new Set(["Ctrl", "Alt", "⇧"]);
/** Strokes: `Ctrl ⏎` is one, `G Q` are two. */
function strokes(written) {
  const found = [[]];
  for (const key of written.split(" ")) {
    found.at(-1).push(key);
    if (!HELD.has(key)) found.push([]);
  }
  return found.slice(0, -1).map((one) => one.join(" "));
}

function clashes(listed) {
  const begins = (one, other) => other.every((stroke, at) => one[at] === stroke);
  return Object.entries(listed).flatMap(([scope, all]) =>
    all.flatMap(([written, label], at) =>
      all
        .slice(at + 1)
        .filter(([other, theirs]) => theirs !== label && (begins(strokes(written), strokes(other)) || begins(strokes(other), strokes(written))))
        .map(([other, theirs]) => `${scope}: ${written} (${label}) and ${other} (${theirs})`),
    ),
  );
}

test("no two commands of a page have the same keys, nor one the beginning of the other's", async () => {
  const { page } = session;
  const thread = await jobAbout(page, "dm-match-311");
  const picture = await jobAbout(page, "accident");
  const paths = [`/jobs/${job.id}`, `/jobs/${thread.id}`, `/jobs/${picture.id}`, "/queues", `/queues/${job.queueId}`, "/decisions", "/investigate?q=hammer", "/second-review"];
  const found = [];
  let most = 0;
  const look = async (on, path) => {
    await on.goto(`${BASE}${path}`);
    await on.getByRole("heading").first().waitFor();
    await until(async () => (await on.locator('[role="status"][aria-label="Loading"]').count()) === 0, "page");
    await on.waitForTimeout(300);
    const listed = await sheet(on);
    most = Math.max(most, Object.values(listed).flat().length);
    found.push(...clashes(listed).map((one) => `${path}: ${one}`));
  };
  for (const path of paths) await look(page, path);
  const admin = await open();
  admin.page.setDefaultTimeout(45_000);
  try {
    await signIn(admin.page, "ADMIN", "/overview");
    for (const path of ["/overview", "/rules", `/rules/${DEMO.ids.rules["Plain scams"]}/edit`, "/routing", "/banks", "/policies", "/settings/users", "/settings/general", `/settings/actions/${DEMO.ids.actions.Remove}`]) await look(admin.page, path);
  } finally {
    await admin.browser.close();
  }
  assert.ok(most > 30, `only ${most} keys were seen`);
  assert.deepEqual([...new Set(found)].slice(0, 20), []);
});

const picked = (page) => page.locator('[role="checkbox"][aria-checked="true"]').count();

test("on a job nothing is heard with another modifier, behind a dialog, or while an input method composes", async () => {
  const { page, context } = session;
  await show(page, job.id);
  await until(async () => (await painted(page)) === job.id, "job");
  await page.waitForTimeout(500);
  const sent = [];
  const note = (request) => request.method() === "POST" && /\/(decisions|skip|claims)$/.test(request.url()) && sent.push(request.url());
  page.on("request", note);
  for (const keys of ["Control+1", "Alt+1", "Control+0", "Control+s", "Alt+s", "Shift+Alt+s", "Meta+1"]) await page.keyboard.press(keys);
  assert.equal(await picked(page), 0);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  for (const keys of ["0", "1", "s", "Control+Enter"]) await page.keyboard.press(keys);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });
  assert.equal(await picked(page), 0);
  assert.deepEqual(sent, []);
  await pickNothing(page);
  await page.keyboard.press("r");
  const wire = await context.newCDPSession(page);
  await wire.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
  const composing = await page.evaluate(() => new Promise((resolve) => {
    addEventListener("keydown", (event) => resolve(event.isComposing || event.keyCode === 229), { capture: true, once: true });
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", ctrlKey: true, isComposing: true, bubbles: true, cancelable: true }));
  }));
  assert.ok(composing);
  // As Chromium sends it while the input method has the key.
  await wire.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Process", code: "Enter", windowsVirtualKeyCode: 229, modifiers: 2 });
  await page.waitForTimeout(300);
  assert.deepEqual(sent.filter((url) => /decisions|skip/.test(url)), []);
  await wire.send("Input.insertText", { text: "日本" });
  assert.equal(await page.getByLabel(/Reason/).inputValue(), "日本");
  page.off("request", note);
  assert.equal((await get(page, `/v1/jobs/${job.id}`)).state, "PENDING");
});

test("a key that another has, or begins, is not given; one that is, and the switch for all, are there on another machine", async () => {
  const { page } = session;
  const change = async (stroke) => {
    await page.keyboard.press("?");
    await page.getByRole("button", { name: "Change: Next row" }).click();
    await page.keyboard.press(stroke);
  };
  const kept = (path) => page.waitForResponse((one) => one.url().endsWith(path) && one.request().method() === "PUT");
  const { user } = await get(page, "/v1/session");
  await page.goto(`${BASE}/queues`);
  await page.getByRole("row", { name: /Spam/ }).waitFor();
  await change("k");
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await page.keyboard.press("Escape");
  const told = kept("/v1/me/preferences/console");
  await change("y");
  assert.equal((await told).status(), 200);
  await page.keyboard.press("Escape");
  const other = await open();
  try {
    await signIn(other.page, "MODERATOR", "/queues");
    await other.page.getByRole("row", { name: /Spam/ }).waitFor();
    const cursor = () => other.page.locator("tr[data-cursor]").first().textContent();
    const first = await cursor();
    await until(async () => {
      await other.page.keyboard.press("y");
      return (await cursor()) !== first;
    }, "row that the key of the other machine leads to");
    const off = kept("/v1/me");
    await page.goto(`${BASE}/settings/account`);
    await page.getByRole("switch", { name: "Single-key shortcuts" }).click();
    assert.equal((await off).status(), 200);
    await other.page.reload();
    await other.page.getByRole("row", { name: /Spam/ }).waitFor();
    const still = await cursor();
    await other.page.keyboard.press("y");
    assert.equal(await cursor(), still);
    // What has Ctrl or Alt is left.
    await other.page.keyboard.press("Control+k");
    await other.page.getByRole("combobox").waitFor();
  } finally {
    await other.browser.close();
    await call(page, "PUT", "/v1/me", { name: user.name, preferences: user.preferences });
    await call(page, "PUT", "/v1/me/preferences/console", { value: {} });
  }
});
