// Recent decisions: what is listed, filtered by the address, taken back, exported.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, open, signIn } from "./browser.mjs";

let session;

before(async () => {
  session = await open();
  session.page.setDefaultTimeout(45_000);
  await signIn(session.page, "MODERATOR_MANAGER", "/decisions");
  await session.page.getByRole("table").waitFor();
});
after(async () => {
  await session.browser.close();
  // What was refused on purpose is told by the browser too.
  assert.deepEqual(session.faults.filter((one) => !/status of [45]\d\d/.test(one)), []);
});

test("decisions are listed with names, and the one under the cursor is beside them", async () => {
  const { page } = session;
  const first = page.locator("tr[data-cursor]");
  const before = await first.textContent();
  assert.doesNotMatch(before, /[0-9a-f]{8}-[0-9a-f]{4}-/);
  await page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
  await page.keyboard.press("j");
  assert.notEqual(await first.textContent(), before);
  await page.keyboard.press("Space");
  await page.getByRole("columnheader", { name: "Reason" }).waitFor();
  assert.equal(await page.getByRole("complementary").count(), 0);
  await page.keyboard.press("Space");
  await page.getByRole("complementary").waitFor();
});

test("a filter is set by keyboard alone, is the address, and is there again after a reload", async () => {
  const { page } = session;
  await page.keyboard.press("f");
  await page.getByRole("menuitem", { name: "Decision", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "Decision", exact: true }).fill("No viol");
  await page.getByRole("option", { name: "No violation" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/type=/);
  await page.reload();
  const rows = page.locator("tbody tr");
  await rows.first().waitFor();
  for (const text of await rows.allTextContents()) assert.match(text, /No violation/);
  await page.getByRole("button", { name: "Drop the filter Decision" }).click();
  await page.waitForURL((url) => !url.search.includes("type="));
});

test("what fits nothing says so, and clears", async () => {
  const { page } = session;
  await page.goto(`${BASE}/decisions?since=2001-01-01&until=2001-01-02`);
  await page.getByRole("heading", { name: "No decision fits this filter" }).waitFor();
  await page.getByRole("button", { name: "Clear" }).first().click();
  await page.getByRole("row", { name: /No violation/ }).first().waitFor();
});

test("an action of a rule is taken back with a reason, and its row says so", async () => {
  const { page } = session;
  await page.goto(`${BASE}/decisions?source=${encodeURIComponent('["RULE_EXECUTION"]')}`);
  const row = page.locator("tr[data-cursor]");
  // Not one that was taken back already.
  await page.locator("tbody tr", { hasNotText: "Reversed" }).first().click();
  const button = page.getByRole("button", { name: /^Reverse 1 effect/ });
  await button.waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("r");
  await page.getByLabel("Reason", { exact: true }).fill("A joke between friends.");
  await page.keyboard.press("Control+Enter");
  await page.getByText("One effect is being taken back.").waitFor();
  await row.getByText("Reversed").waitFor();
  await page.getByText(/^Taken back .* 1 effect$/).waitFor();
});

test("the list is exported and can be downloaded", async () => {
  const { page } = session;
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "As CSV" }).click();
  await page.getByText(/Export ready: [\d,]+ rows?/).waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
});

for (const look of [{ scheme: "light" }, { scheme: "dark" }, { scheme: "light", width: 320, height: 700 }]) {
  test(`axe finds nothing, and nothing runs over: ${JSON.stringify(look)}`, async () => {
    const one = await open(look);
    try {
      await signIn(one.page, "MODERATOR_MANAGER", "/decisions");
      await one.page.locator("tbody tr").first().waitFor();
      assert.deepEqual(await axe(one.page), []);
      // Where there is no room for both, a decision takes the list's place once it is asked for.
      await one.page.locator("tbody tr").first().click();
      await one.page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
      assert.deepEqual(await axe(one.page), []);
      const over = await one.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${over} px wider than the window`);
    } finally {
      await one.browser.close();
    }
  });
}

const OF_PEOPLE = `source=${encodeURIComponent('["MRT_JOB"]')}`;

test("filters are saved as a view, for oneself and for everybody, and opened by somebody else", async () => {
  const { page } = session;
  const stamp = Date.now();
  await page.goto(`${BASE}/decisions?${OF_PEOPLE}&peek=none`);
  await page.locator("tbody tr").first().waitFor();
  const save = async (name, whom) => {
    await page.getByRole("button", { name: /^Views$|^By people/ }).click();
    await page.getByRole("menuitem", { name: "Save this as a view…" }).click();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("A view needs a name.").waitFor();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("radio", { name: whom }).check();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(`“${name}” is saved.`).waitFor();
  };
  await save(`By people ${stamp}`, "For everybody");
  await page.getByRole("button", { name: `By people ${stamp}` }).waitFor();
  const other = await open();
  try {
    await signIn(other.page, "MODERATOR", "/decisions");
    await other.page.getByRole("button", { name: "Views" }).click();
    await other.page.getByRole("menuitem", { name: `By people ${stamp}` }).click();
    await other.page.waitForURL(/source=/);
    await other.page.getByRole("button", { name: "Drop the filter Source" }).waitFor();
    // Not theirs to change or remove.
    await other.page.getByRole("button", { name: `By people ${stamp}` }).click();
    assert.equal(await other.page.getByRole("button", { name: `Remove the view By people ${stamp}` }).count(), 0);
    assert.deepEqual(other.faults, []);
  } finally {
    await other.browser.close();
  }
  await page.goto(`${BASE}/decisions?since=2026-01-01&peek=none`);
  await page.getByRole("button", { name: "Drop the filter When" }).waitFor();
  await save(`Mine ${stamp}`, "For me");
  await page.goto(`${BASE}/decisions?peek=none`);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: `Mine ${stamp}` }).click();
  await page.waitForURL(/since=2026-01-01/);
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: `Mine ${stamp}` }).click();
  await page.getByRole("button", { name: `Remove the view Mine ${stamp}` }).click();
  await page.getByText(`“Mine ${stamp}” is removed.`).waitFor();
});

test("a view that somebody changed meanwhile is not written over unseen: whose change, and which, is shown", async () => {
  const { page } = session;
  const stamp = Date.now();
  await call(page, "PUT", `/v1/views/${stamp}`, { page: "decisions", name: `Shared ${stamp}`, value: { source: ["MRT_JOB"] } });
  await page.goto(`${BASE}/decisions?peek=none`);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: `Shared ${stamp}` }).click();
  await page.getByRole("button", { name: "Drop the filter Source" }).waitFor();
  await call(page, "PUT", `/v1/views/${stamp}`, { page: "decisions", name: `Shared ${stamp}`, value: { source: ["RULE_EXECUTION"], since: "2026-01-01" } });
  await page.getByRole("button", { name: "Drop the filter Source" }).click();
  await page.waitForURL((url) => !url.search.includes("source="));
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: `Keep these filters in “Shared ${stamp}”` }).click();
  const dialog = page.getByRole("dialog", { name: `Shared ${stamp}` });
  await dialog.getByText(/changed this/).waitFor();
  await dialog.getByText(/rule/i).first().waitFor();
  assert.deepEqual(await axe(page), []);
  await dialog.getByRole("button", { name: "Open theirs" }).click();
  await page.waitForURL(/since=2026-01-01/);
  await call(page, "DELETE", `/v1/views/${stamp}`);
});

test("a decision far down the list is shown by its address, and an id that is nowhere says so", async () => {
  const { page } = session;
  const found = [];
  for (let cursor = ""; found.length < 60; ) {
    const { items, nextCursor } = await call(page, "GET", `/v1/decision-log?source=MRT_JOB&limit=200${cursor}`);
    found.push(...items.filter((one) => one.kind === "DECISION" && one.jobId));
    if (!nextCursor) break;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
  const far = found.at(-1);
  await page.goto(`${BASE}/decisions?peek=${far.id}`);
  await page.getByRole("complementary").getByRole("button", { name: /^Copy / }).first().waitFor();
  await page.locator(`tr[id="row-${far.id}"][data-cursor]`).waitFor();
  await page.goto(`${BASE}/decisions?peek=01900000-0000-7000-8000-000000000000`);
  await page.getByRole("heading", { name: "No decision is here under this id" }).waitFor();
  await page.getByRole("button", { name: "Show the newest" }).click();
  await page.getByRole("heading", { name: "Reverse this decision" }).waitFor();
});

test("a reversal that fails says that nothing changed, and goes through when tried again", async () => {
  const { page } = session;
  await page.goto(`${BASE}/decisions?source=${encodeURIComponent('["RULE_EXECUTION"]')}`);
  await page.locator("tbody tr", { hasNotText: "Reversed" }).first().click();
  await page.getByRole("button", { name: /^Reverse 1 effect/ }).waitFor();
  let requests = 0;
  await page.route("**/v1/reversals", (route) => {
    requests += 1;
    return route.fulfill({ status: 503, contentType: "application/problem+json", json: { type: "/problems/unavailable", title: "Unavailable", status: 503, requestId: "req-fedcba9876543210" } });
  });
  await page.getByLabel("Reason", { exact: true }).fill("It was meant otherwise.");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Not reversed, nothing changed.").waitFor();
  await page.getByText("A part of the system is away.").waitFor();
  assert.equal(requests, 1, "what changes something is sent once");
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "It was meant otherwise.");
  await page.unroute("**/v1/reversals");
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByText("One effect is being taken back.").waitFor();
});

test("the width of a column is kept on the account, and is there on another machine", async () => {
  const { page } = session;
  const kept = page.waitForResponse((one) => one.url().endsWith("/v1/me/preferences/console") && one.request().method() === "PUT");
  await page.getByRole("separator", { name: "Width of At" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal((await kept).status(), 200);
  const width = () => page.getByRole("separator", { name: "Width of At" }).getAttribute("aria-valuenow");
  const mine = await width();
  const other = await open();
  try {
    await signIn(other.page, "MODERATOR_MANAGER", "/decisions");
    await other.page.getByRole("separator", { name: "Width of At" }).and(other.page.locator(`[aria-valuenow="${mine}"]`)).waitFor();
  } finally {
    await other.browser.close();
  }
  await page.getByRole("separator", { name: "Width of At" }).focus();
  await page.keyboard.press("Home");
});

const SAID = [
  [403, "forbidden", "You may not do this."],
  [409, "conflict", "This cannot be done as things are now."],
  [422, "invalid", "Something that was entered cannot be taken."],
  [429, "too-many-attempts", "Too many attempts. Try again in 7 seconds."],
  [503, "unavailable", "A part of the system is away."],
];
test("each refusal of a list has words of its own, its request to copy, and leaves the rest of the page", async () => {
  const { page } = session;
  for (const [status, kind, text] of SAID) {
    const address = "**/v1/decision-log?*";
    // Retry-After as long as the test: what passes by itself is tried again by itself.
    await page.route(address, (route) => route.fulfill({ status, headers: { "retry-after": status === 429 ? "7" : "60" }, contentType: "application/problem+json", json: { type: `/problems/${kind}`, title: kind, status, requestId: `req-${status}-0123456789` } }));
    await page.goto(`${BASE}/decisions?since=2026-01-0${(SAID.findIndex(([one]) => one === status) % 9) + 1}`);
    if (status === 503) await page.getByRole("status", { name: "Loading" }).waitFor();
    else {
      await page.getByRole("alert").getByText(text).waitFor();
      assert.equal(await page.getByRole("alert").getByRole("button", { name: /^Copy / }).getAttribute("title"), `req-${status}-0123456789`);
      await page.unroute(address);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("table").waitFor();
    }
    await page.getByRole("button", { name: "Copy link" }).waitFor();
    await page.unroute(address).catch(() => undefined);
  }
});
