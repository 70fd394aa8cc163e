import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { counting, idleEnd, used } from "./idle";

const HOUR = 3_600_000;
const START = Date.parse("2026-11-27T10:00:00Z");

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(START);
});
afterEach(() => vi.useRealTimers());

it("a session ends as long after its last use as it said, and a minute sooner for safety", () => {
  counting(START + 2 * HOUR);
  expect(idleEnd()).toBe(START + 2 * HOUR - 60_000);
  vi.setSystemTime(START + HOUR);
  used();
  expect(idleEnd()).toBe(START + 3 * HOUR - 60_000);
});

it("of a very short one no more than half is given up for safety", () => {
  counting(START + 90_000);
  expect(idleEnd()).toBe(START + 45_000);
});
