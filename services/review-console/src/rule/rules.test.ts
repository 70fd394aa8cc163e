import { expect, it } from "vitest";

import { expectedSeconds, type Backtest } from "./backtest";
import type { Rule } from "./query";
import { rowsOf, type Row } from "./rules-page";
import { Search } from "./search";

const row = (name: string, status: Rule["status"], week: number | null, updatedAt = "2026-11-28T12:00:00Z", asks = ""): Row => ({
  rule: { id: name, name, status, updatedAt, description: "", tags: [] } as unknown as Rule,
  asks,
  matches: week === null ? null : { days: [], week },
});
const all = [row("Spam", "LIVE", 5), row("Bots", "BACKGROUND", 50, "2026-11-29T12:00:00Z", "account younger than a day"), row("Draft one", "DRAFT", null), row("Old", "ARCHIVED", 0)];
const named = (search: Search) => rowsOf(all, search).map((one) => one.rule.name);

it("those in force come first, by name unless told otherwise; those that rest are a list of their own", () => {
  expect(named({})).toEqual(["Bots", "Spam", "Draft one"]);
  expect(named({ sort: "week", down: true })).toEqual(["Bots", "Spam", "Draft one"]);
  expect(named({ sort: "week" })).toEqual(["Spam", "Bots", "Draft one"]);
  expect(named({ archived: true })).toEqual(["Old"]);
});

it("a rule is found by its name and by what it asks, and by its state", () => {
  expect(named({ q: "SPA" })).toEqual(["Spam"]);
  expect(named({ q: "younger" })).toEqual(["Bots"]);
  expect(named({ status: "DRAFT" })).toEqual(["Draft one"]);
  expect(named({ q: "nothing of the kind" })).toEqual([]);
});

it("an address that is not one is no filter", () => {
  expect(Search.parse({ status: "EVIL", sort: 3, q: "x" })).toEqual({ q: "x" });
});

it("a backtest is expected to take as long a day as the last one that was through, of what the log still had", () => {
  const one = (state: Backtest["state"], seconds: number, more: Partial<Backtest> = {}) => ({ state, counts: { scanned: 9 }, start: "2026-11-01T00:00:00Z", end: "2026-11-03T00:00:00Z", dataFrom: null, createdAt: "2026-11-03T00:00:00Z", updatedAt: new Date(Date.parse("2026-11-03T00:00:00Z") + seconds * 1000).toISOString(), ...more }) as Backtest;
  expect(expectedSeconds([one("FAILED", 500), one("COMPLETE", 20), one("COMPLETE", 900)], 7)).toBe(70);
  expect(expectedSeconds([one("COMPLETE", 20, { dataFrom: "2026-11-02T00:00:00Z" })], 7)).toBe(140);
  expect(expectedSeconds([one("RUNNING", 20)], 7)).toBeNull();
});
