// What strangers and colleagues write, in every place that it is shown: nothing of it runs, nothing is even tried.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BASE, call, DEMO, get, item, jobAbout, open, painted, report, send, signIn, until, user } from "./browser.mjs";

const SCRIPT = '<script>window.ran=1</script><img src=x onerror="window.ran=2"><svg onload=window.ran=3>';
const stamp = Date.now();
let admin;
let made;
before(async () => {
  admin = await open();
  admin.page.setDefaultTimeout(45_000);
  await signIn(admin.page, "ADMIN", "/settings/account");
  // Before any page: what its policy refuses is noted, as are reports of it.
  await admin.page.addInitScript(() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  made = await call(admin.page, "POST", "/v1/policies", { name: `${SCRIPT} ${stamp}`, enforcementGuidelines: SCRIPT, policyText: `${SCRIPT}\n\n[a link](javascript:window.ran=4) [another](https://evil.example/) ![a picture](https://evil.example/x.png)` });
});
after(async () => {
  await call(admin.page, "DELETE", `/v1/policies/${made.id}`).catch(() => undefined);
  await admin.browser.close();
});

test("names, file names, texts and policies that want to run are shown as they are, and the page's policy is asked for nothing", async () => {
  const { page } = admin;
  const reports = [];
  const elsewhere = [];
  page.on("request", (request) => {
    if (/csp-reports/.test(request.url())) reports.push(request.postData());
    if (new URL(request.url()).host !== new URL(BASE).host && /^http/.test(request.url())) elsewhere.push(request.url());
  });
  const id = `hostile-${stamp}`;
  const author = `${id}-${SCRIPT}`.slice(0, 120);
  const at = new Date().toISOString();
  await send("items/async/", { items: [item(author, "Profile", { name: SCRIPT, handle: "javascript:window.ran=5", joined_at: at })] });
  await report(item(id, "Post", { text: `${SCRIPT} \u202Edesrever\u202C`, author: user(author), created_at: at, images: [`https://media.example/${encodeURIComponent(SCRIPT)}.jpg`], link: "javascript:window.ran=6" }), "Spam").catch(() =>
    report(item(id, "Post", { text: `${SCRIPT} \u202Edesrever\u202C`, author: user(author), created_at: at, images: [`https://media.example/${encodeURIComponent(SCRIPT)}.jpg`] }), "Spam"),
  );
  const job = await jobAbout(page, id);
  const paths = [`/jobs/${job.id}`, `/queues/${job.queueId}`, `/queues?peek=${job.queueId}`, `/investigate?q=${encodeURIComponent(SCRIPT)}`, `/investigate?type=${DEMO.ids["item-types"].Profile}&id=${encodeURIComponent(author)}`, "/policies", `/policies/${made.id}`, `/decisions?item=${encodeURIComponent(SCRIPT)}&itemType=${DEMO.ids["item-types"].Post}`];
  for (const path of paths) {
    await page.goto(`${BASE}${path}`);
    await page.getByRole("main").first().waitFor();
    await page.waitForLoadState("networkidle");
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => window.ran), undefined, path);
    assert.deepEqual(await page.evaluate(() => window.refused), [], path);
    assert.equal(await page.locator('a[href^="javascript:"], main script, main svg[onload], main img[onerror]').count(), 0, path);
    // What leads away opens nothing without asking, and does not say where from.
    const away = await page.locator('main a[href^="http"]').evaluateAll((all, host) => all.filter((one) => one.host !== host).map((one) => one.rel), new URL(BASE).host);
    for (const rel of away) assert.match(rel, /noreferrer/, path);
  }
  await page.goto(`${BASE}/jobs/${job.id}`);
  await until(async () => (await painted(page)) === job.id, "job");
  await page.getByText("<script>window.ran=1</script>").first().waitFor();
  assert.deepEqual(reports, []);
  assert.deepEqual(elsewhere, []);
  assert.equal((await get(page, "/v1/session")).user.role, "ADMIN");
});
