// Banks, as whoever writes rules meets them: texts, places and hashes; files looked at before they are brought in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, BASE, call, get, open, signIn, until } from "./browser.mjs";

let browser;
let page;
let faults;

/** Of this run: what is tried once more meets what the first try left. */
const mark = Date.now().toString(36);
const [TEXTS, LARGE, PLACES, HASHES] = ["Phrases", "Many phrases", "Schools", "Pictures"].map((name) => `${name} ${mark}`);
const PDQ = "0f1e2d3c".repeat(8);
const idOf = (kind) => {
  const path = new URL(page.url()).pathname;
  const id = path.slice(`/banks/${kind}/`.length);
  return path.startsWith(`/banks/${kind}/`) && id !== "new" ? id : null;
};
const saved = (kind) => until(() => Promise.resolve(idOf(kind)), `page of a ${kind} bank`);
const clean = async () => assert.deepEqual(await axe(page), []);
const remove = async () => {
  await page.getByRole("button", { name: "Remove…" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/banks(\?|$)/);
};

before(async () => {
  ({ browser, page, faults } = await open());
  page.setDefaultTimeout(60_000);
  await signIn(page, "ADMIN", "/banks");
});
after(() => browser.close());

test("a text bank is made of lines, and each kind of bank has its list", async () => {
  await page.getByRole("link", { name: "Scam phrases" }).waitFor();
  await clean();
  for (const kind of ["Places", "Media", "Texts"]) await page.getByRole("navigation", { name: "Matching banks" }).getByRole("link", { name: kind }).click();
  await page.getByRole("button", { name: /^New text bank/ }).click();
  await page.getByRole("textbox", { name: "Name" }).fill(TEXTS);
  await page.getByLabel("Entries", { exact: true }).fill("free airdrop\nclaim your coins\n\nfree airdrop");
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("text");
  assert.deepEqual((await get(page, `/v1/text-banks/${id}`)).strings, ["free airdrop", "claim your coins"]);
});

test("entries are added, edited and removed; what was removed can be had back", async () => {
  await page.getByRole("button", { name: /^Add entries/ }).click();
  await page.getByRole("dialog").getByLabel("Entries").fill("double your coins\nair\u200bdrop");
  await page.getByRole("button", { name: "Add 2 entries" }).click();
  await page.getByText("U+200B").waitFor();
  await page.getByRole("button", { name: "Edit double your coins" }).click();
  await page.getByRole("dialog").getByLabel("Entry").fill("triple your coins");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Remove triple your coins" }).click();
  await page.getByRole("button", { name: "Remove triple your coins" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Undo/ }).click();
  await page.getByRole("button", { name: "Remove triple your coins" }).waitFor();
  await clean();
});

test("whether a text would match is answered while it is written", async () => {
  await page.getByLabel("A text").fill("Get your FREE AIRDROP now");
  await page.getByText(/^Found, by one entry/).waitFor();
  await page.getByLabel("A text").fill("nothing of that");
  await page.getByText("Nothing of this bank is in it.").waitFor();
});

test("a file is looked at first: a fault takes nothing, and what would go is asked about", async () => {
  const id = idOf("text");
  const choose = (name, text) => page.locator('input[type="file"]').setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
  await choose("wrong.csv", `string\nfine\n${"x".repeat(1001)}\n`);
  await page.getByText(/One fault in wrong.csv/).waitFor();
  await choose("new.csv", "string\nfree airdrop\nganhe o dobro\nsorteo\n");
  await page.getByRole("button", { name: "Import: 2 new" }).waitFor();
  await clean();
  await page.getByText("Replace all", { exact: true }).click();
  await page.getByRole("button", { name: /^Import: 2 new, 3 removed/ }).click();
  assert.equal((await get(page, `/v1/text-banks/${id}`)).entryCount, 4);
  await page.getByRole("dialog").getByRole("button", { name: "Replace all" }).click();
  await until(async () => (await get(page, `/v1/text-banks/${id}`)).entryCount === 3, "bank as the file has it");
  await page.getByText("3 of 3").waitFor();
  const file = await page.evaluate(async (id) => (await fetch(`/v1/text-banks/${id}/export?format=csv`)).text(), id);
  assert.match(file, /ganhe o dobro/);
  await remove();
});

test("ten thousand entries are walked and searched with few of them in the page", async () => {
  const { id } = await call(page, "POST", "/v1/text-banks", { name: LARGE, type: "STRING", strings: Array.from({ length: 10_000 }, (_, at) => `phrase ${at}`) });
  await page.goto(`${BASE}/banks/text/${id}`);
  await page.getByText("10,000 of 10,000").waitFor();
  await page.getByLabel("Find an entry").fill("phrase 777");
  await page.getByText("11 of 10,000").waitFor();
  await page.getByLabel("Find an entry").fill("");
  await page.getByText("10,000 of 10,000").waitFor();
  const list = page.getByRole("region", { name: "Entries", exact: true });
  await list.evaluate((at) => at.scrollTo(0, at.scrollHeight));
  await page.getByText("phrase 9999", { exact: true }).waitFor();
  assert.ok((await list.locator("tbody tr").count()) < 120);
  await remove();
});

test("places are added and tried; the map is drawn without asking anybody", async () => {
  const asked = [];
  page.on("request", (request) => new URL(request.url()).origin !== new URL(BASE).origin && asked.push(request.url()));
  await page.goto(`${BASE}/banks/location/new`);
  await page.getByRole("textbox", { name: "Name" }).fill(PLACES);
  await page.getByRole("button", { name: /^Create/ }).click();
  const id = await saved("location");
  const add = async (name, fill) => {
    await page.getByRole("button", { name: /^Add place/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await fill(dialog);
    await dialog.getByRole("button", { name: "Add it" }).click();
    await page.getByRole("button", { name: `Remove ${name}` }).waitFor();
  };
  await add("Liceu", async (dialog) => {
    await dialog.getByRole("button", { name: "Add it" }).click();
    await dialog.getByText("A radius above 0").waitFor();
    await dialog.getByLabel("Latitude").fill("38.728");
    await dialog.getByLabel("Longitude").fill("-9.145");
    await dialog.getByLabel("Radius in metres").fill("350");
  });
  await add("Porto", async (dialog) => {
    await dialog.getByText("Geohash cell").click();
    await dialog.getByLabel("Geohash", { exact: true }).fill("ez3fh");
  });
  const { locations } = await get(page, `/v1/location-banks/${id}`);
  assert.deepEqual(locations.map((one) => [one.name, one.geohash ?? null]), [["Liceu", null], ["Porto", "ez3fh"]]);
  await page.getByLabel(/^38.75/).fill("38.7281, -9.1451");
  await page.getByText("Inside Liceu").waitFor();
  await page.getByLabel(/^38.75/).fill("10, 10");
  await page.getByText("In no place of this bank.").waitFor();
  await page.getByRole("button", { name: "Larger" }).click();
  await page.getByRole("group", { name: /outline of the world/ }).press("0");
  await clean();
  await page.getByRole("button", { name: "Remove Porto" }).click();
  await page.getByRole("button", { name: "Remove Porto" }).waitFor({ state: "detached" });
  await remove();
  assert.deepEqual(asked, []);
});

test("hashes are added by line and by file, looked up, disabled and removed", async () => {
  await page.goto(`${BASE}/banks/hash/new`);
  await page.getByRole("textbox", { name: "Name" }).fill(HASHES);
  await page.getByRole("button", { name: /^Create/ }).click();
  await saved("hash");
  await page.getByLabel("Hashes, one a line").fill(`${PDQ}, by hand`);
  await page.getByRole("button", { name: "Add 1 hash" }).click();
  await page.getByText("by hand").waitFor();
  await page.getByText("A CSV").click();
  const csv = page.locator('input[accept=".csv,text/csv"]');
  await csv.setInputFiles({ name: "wrong.csv", mimeType: "text/csv", buffer: Buffer.from("hash\nnope\n") });
  await page.getByText(/One fault: nothing was added/).waitFor();
  await csv.setInputFiles({ name: "more.csv", mimeType: "text/csv", buffer: Buffer.from(`hash,note\n${"ab12".repeat(8)},from a file\n${PDQ},again\n`) });
  await page.getByText(/^Through: 2 rows, 1 new, 1 known/).waitFor();
  await page.getByText("from a file").waitFor();
  await clean();
  await page.getByRole("textbox", { name: "A hash" }).first().fill(PDQ);
  await page.getByRole("button", { name: "Look up", exact: true }).click();
  await page.getByText(`In ${HASHES}`).waitFor();
  await page.getByRole("checkbox", { name: `Select ${PDQ}` }).check();
  await page.getByRole("button", { name: "Disable 1" }).click();
  await page.getByText("1 that match, 1 disabled").waitFor();
  await page.getByRole("checkbox", { name: "Select all shown" }).check();
  await page.getByRole("button", { name: "Remove 2…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("No hash in it yet").waitFor();
  await remove();
});

test("exchanges say what they need before one can be added", async () => {
  await page.goto(`${BASE}/banks?kind=hash`);
  await page.getByRole("link", { name: "Exchanges" }).click();
  await page.getByText("No exchange yet").waitFor();
  await page.getByText(/COOP_HMA_URL/).first().waitFor();
  await clean();
});

test("no page broke", () => assert.deepEqual(faults.filter((one) => !/4(04|09|12|22)/.test(one)), []));
