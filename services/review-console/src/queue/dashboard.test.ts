import { expect, it } from "vitest";

import { byTurn, clockOf, fits, type Queue, type QueueRow } from "./dashboard";

const NOW = Date.parse("2026-11-28T12:00:00Z");

function row(name: string, more: Partial<QueueRow> = {}, queue: Partial<Queue> = {}): QueueRow {
  return {
    queue: { id: name, name, description: "", targetMinutes: 60, isAppealsQueue: false, ...queue } as Queue,
    pending: 1,
    leased: 0,
    overdue: 0,
    oldestAt: null,
    dueAt: null,
    isStarred: false,
    held: [],
    ...more,
  };
}

const due = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

it("starred queues stand first, appeals last, each group by what is due next, empty ones behind", () => {
  const rows = [
    row("appeal", { dueAt: due(1) }, { isAppealsQueue: true }),
    row("empty", { pending: 0 }),
    row("without a time"),
    row("later", { dueAt: due(50) }),
    row("soon", { dueAt: due(5) }),
    row("starred", { isStarred: true, dueAt: due(500) }),
  ];
  expect(rows.sort(byTurn).map((one) => one.queue.name)).toEqual(["starred", "soon", "later", "without a time", "empty", "appeal"]);
});

it("a clock is grave once less than 30 % of the time is left, and severe when overdue", () => {
  expect(clockOf(row("q", { dueAt: due(30) }), NOW)).toMatchObject({ level: null, used: 0.5 });
  expect(clockOf(row("q", { dueAt: due(10) }), NOW)?.level).toBe("high");
  expect(clockOf(row("q", { dueAt: due(-1) }), NOW)).toMatchObject({ level: "severe", used: 1 });
  expect(clockOf(row("q", { dueAt: due(10), pending: 0 }), NOW)).toBeNull();
});

it("a filter finds every word, in the name or the description", () => {
  const one = row("Hate speech", {}, { description: "Spanish and Portuguese" });
  expect(fits(one, undefined, "hate port")).toBe(true);
  expect(fits(one, undefined, "hate german")).toBe(false);
  expect(fits(row("q", { leased: 1 }), "free", "")).toBe(false);
});
