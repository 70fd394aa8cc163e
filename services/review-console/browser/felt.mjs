// What a page is like to somebody: how soon it answers, whether it jumps, what is left of it when it is enlarged.

const MOST_SHIFT = 0.02;
const INTERACTION_MS = 200;
/** On a machine that is slower than that for other work, nothing is forgiven further. */
const MOST_CROWDED = 4;

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** How much longer than its own time work takes on this machine now: 1 where nothing else runs. */
export function crowded() {
  const began = performance.now();
  const { user, system } = process.cpuUsage();
  while (process.cpuUsage().user - user < 40_000);
  const own = process.cpuUsage();
  const factor = (performance.now() - began) / ((own.user - user + own.system - system) / 1000);
  return factor < 1.2 ? 1 : Math.min(MOST_CROWDED, factor);
}

/** Before a page: every interaction, and what moved without anybody's doing. */
export function feel() {
  window.felt = { interactions: new Map(), shift: 0, moved: [] };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (one.interactionId) window.felt.interactions.set(one.interactionId, Math.max(one.duration, window.felt.interactions.get(one.interactionId) ?? 0));
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (one.hadRecentInput) continue;
      window.felt.shift += one.value;
      window.felt.moved.push(...one.sources.map(({ node }) => node?.textContent?.trim().slice(0, 30) ?? ""));
    }
  }).observe({ type: "layout-shift", buffered: true });
}

/** Of a page that has just come: what jumped on it. */
export async function jumps(page) {
  const { shift, moved } = await page.evaluate(() => ({ shift: window.felt.shift, moved: window.felt.moved }));
  return shift < MOST_SHIFT ? [] : [`moved by ${shift.toFixed(3)}: ${[...new Set(moved)].slice(0, 4).join(" | ")}`];
}

/** Keys that every page hears: the sheet of keys and back, a step, the palette and back. */
const KEYS = ["Shift+Tab", "Tab", "?", "Escape", "j", "Control+k", "Escape"];
export async function answers(page) {
  const factors = [];
  for (const key of KEYS) {
    factors.push(crowded());
    await page.keyboard.press(key);
    await page.waitForTimeout(60);
  }
  await page.waitForTimeout(100);
  const worst = await page.evaluate(() => Math.max(0, ...window.felt.interactions.values()));
  const most = INTERACTION_MS * median(factors);
  return worst <= most ? [] : [`a key is answered after ${worst} ms, at most ${most.toFixed(0)} on this machine now`];
}

/** Names of what can be used, and what is said in headings, as they are seen. */
const usable = (page) =>
  page.evaluate(() => {
    const found = [...document.querySelectorAll("main :is(h1, h2, h3, button, a[href], input, select, textarea, [role=tab], [role=checkbox], [role=switch])")].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("thead"));
    return [...new Set(found.map((one) => (one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent).replaceAll(/\s+/g, " ").trim()))].filter((one) => one !== "");
  });

/** What is gone, or runs over, when the page is enlarged to that width; `overlaps` is looked for there, too. */
export async function enlarged(page, { width, height }, overlaps) {
  const whole = await usable(page);
  const before = page.viewportSize();
  await page.setViewportSize({ width, height });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.waitForTimeout(100);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  const left = new Set(await usable(page));
  const met = await page.evaluate(overlaps);
  await page.setViewportSize(before);
  const lost = whole.filter((one) => !left.has(one));
  return [...(over > 0 ? [`${over} px wider than ${width}`] : []), ...(lost.length > 0 ? [`at ${width}: gone are ${lost.join(" | ")}`] : []), ...met.map((one) => `at ${width}: overlap ${one}`)];
}
