// What is kept, who is erased, and what no service could handle: the pages of whoever answers for the data.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { axe, BASE, get, item, open, send, signIn, until, user } from "./browser.mjs";

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const REASON = `Letter of ${mark}`;
const FORGOTTEN = [`forgotten-${mark}-a`, `forgotten-${mark}-b`];

let browser;
let page;
let faults;

before(async () => {
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(30_000);
  await signIn(page, "ADMIN", "/settings/erasures");
});
after(() => browser.close());

const clean = async () => assert.deepEqual(await axe(page), []);

test("users are erased once somebody typed how many they are, and the report says what went and what stayed", async () => {
  for (const id of FORGOTTEN) await send("items/async/", { items: [item(`${id}-says`, "Comment", { text: "Forget me.", author: user(id), created_at: new Date().toISOString() })] });
  await page.getByRole("heading", { name: "Erasures", level: 1 }).waitFor();
  await page.keyboard.press("c");
  await page.getByRole("combobox", { name: "Type of user" }).click();
  await page.getByRole("option", { name: "Profile" }).click();
  // The same twice, and an empty line: two users.
  await page.getByLabel("Their ids, one a line").fill(`${FORGOTTEN[0]}\n\n${FORGOTTEN[1]}\n${FORGOTTEN[0]}`);
  await page.getByLabel("Reason").fill(REASON);
  const erase = page.getByRole("button", { name: "Erase 2 users" });
  await page.getByLabel(/^Type 2/).fill("3");
  await clean();
  await erase.click();
  await page.getByText("Type how many they are: 2").waitFor();
  assert.ok(!(await get(page, "/v1/erasures")).items.some(({ reason }) => reason === REASON), "nothing was asked for");
  await page.getByLabel(/^Type 2/).fill("2");
  await erase.click();
  await page.getByText("0 of 2 users done").waitFor();
  const id = new URL(page.url()).searchParams.get("id");
  const report = await until(async () => {
    const one = await get(page, `/v1/erasures/${id}`);
    return one.erased.length > 0 && one;
  }, "what went");
  assert.deepEqual([report.total, report.reason], [2, REASON]);
  await page.getByRole("region", { name: "What went" }).getByRole("row").nth(1).waitFor();
  await page.getByRole("region", { name: "What stayed, and why" }).getByText(/append-only and chained/).waitFor();
  await page.getByText(/^erased…|^erased-/).first().waitFor();
  assert.ok(!(await page.content()).includes(FORGOTTEN[0]), "nobody's id is said again");
  await clean();
});

test("which are shown is in the address, and a state that none is in is not the same as none at all", async () => {
  await page.getByText("Done", { exact: true }).first().click();
  await page.waitForURL(/state=COMPLETE/);
  await page.getByText("No erasure is in this state").waitFor();
  await clean();
  await page.getByRole("button", { name: "Show all", exact: true }).click();
  await page.getByRole("row", { name: new RegExp(REASON) }).click();
  await page.getByText(/users done/).waitFor();
  await page.reload();
  await page.getByText(/users done/).waitFor();
});

test("a link to an erasure that is not there says so", async () => {
  await page.goto(`${BASE}/settings/erasures?id=nothing`);
  await page.getByText("This erasure is not there").waitFor();
});

test("what is kept says for how long, who changes it, and what an erasure does to it", async () => {
  await page.goto(`${BASE}/settings/retention`);
  const comments = page.getByRole("row", { name: /what reviewers wrote on an item/ });
  await comments.getByText("stays, emptied").waitFor();
  await comments.getByText(/your settings:/).waitFor();
  await page.getByRole("searchbox").fill("nothing of that name");
  await page.getByText("Nothing that is kept fits").waitFor();
  await page.getByRole("button", { name: "Show everything" }).click();
  await page.waitForURL(/view=ALL/);
  await page.getByText("COOP_REVIEW_RETENTION_DAYS").first().waitFor();
  await clean();
});

test("a record that no service can read is counted at its topic", async () => {
  const { kafka } = JSON.parse(readFileSync(process.env.COOP_RUN_FILE, "utf8"));
  const program = "import sys; from confluent_kafka import Producer; p = Producer({'bootstrap.servers': sys.argv[1]}); p.produce('coop.reports.v1', b'{'); sys.exit(p.flush(20))";
  await page.goto(`${BASE}/settings/operations`);
  const part = page.getByRole("region", { name: "Dead letters" });
  const waiting = async () => (await get(page, "/v1/dead-letters")).topics.find(({ topic }) => topic === "coop.reports.v1").waiting;
  const before = await waiting();
  execFileSync(process.env.COOP_PYTHON, ["-c", program, kafka]);
  const now = await until(async () => {
    const count = await waiting();
    return count > before && count;
  }, "dead letter");
  await part.getByRole("row", { name: new RegExp(`coop\\.reports\\.v1 .*routing.* ${now}$`) }).waitFor({ timeout: 60_000 });
  await clean();
  await part.getByRole("link", { name: "What to do about them" }).click();
  await page.getByRole("heading", { name: "Records that no service could handle" }).waitFor();
});

test("no page broke", () => assert.deepEqual(faults.filter((one) => !/404/.test(one)), []));
