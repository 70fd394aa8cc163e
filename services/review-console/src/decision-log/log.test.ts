import { expect, it } from "vitest";

import type { Names } from "@/configuration/names";
import { policyPath } from "@/configuration/names";
import { setTimeZone } from "@/time/moment";
import { sayer } from "@/words/words";

import { asked, countOf, setOff, titleOf, type Entry } from "./log";
import { Search } from "./search";
import { ordersOf } from "./reverse";
import { words } from "./words";

const names: Names = {
  actions: [], policies: [], queues: [], rules: [], itemTypes: [],
  action: (id) => ({ ban: "Ban", warn: "Warn" })[id] ?? id,
  penalty: (id) => ({ ban: "SEVERE", warn: "LOW" })[id] ?? null,
  policy: (id) => id, queue: (id) => `Queue ${id}`, rule: (id) => id, itemType: (id) => id,
};
const entry: Entry = {
  id: "d1", kind: "DECISION", source: "MRT_JOB", time: "2026-11-28T12:00:00Z", actorId: "p1", actor: null, queueId: "q1", jobId: "j1", itemDisplayName: null, related: [],
  itemTypeId: "t1", itemId: "i1", components: [{ type: "CUSTOM_ACTION", actionIds: ["warn", "ban"], policyIds: [] }],
  executions: [{ actionId: "warn", executionId: "e1" }, { actionId: "ban", executionId: "e2" }],
  ruleIds: [], reason: null, note: null, undoneAt: null, leavesAt: null, movedTo: null, appealOf: null, state: null, total: null, csam: false,
  reversible: { kind: "DECISION", id: "d1" }, takenBack: [],
};
const say = sayer(words);

it("a day of the address begins at midnight of the viewer's zone, and the last day is within", () => {
  setTimeZone("Europe/Berlin");
  // Clocks go back on that night: the day has 25 hours.
  expect(asked({ since: "2026-10-25", until: "2026-10-25" })).toMatchObject({ since: "2026-10-24T22:00:00.000Z", until: "2026-10-25T23:00:00.000Z" });
  expect(asked({ since: "2026-11-27", until: "2026-11-28" })).toMatchObject({ since: "2026-11-26T23:00:00.000Z", until: "2026-11-28T23:00:00.000Z" });
  setTimeZone("America/New_York");
  expect(asked({ since: "2026-07-01" }).since).toBe("2026-07-01T04:00:00.000Z");
  setTimeZone(null);
});

it("an address that is not one is no filter, and the rest of it counts", () => {
  expect(Search.parse({ since: "yesterday", type: ["EVIL"], queue: "q", by: ["p1"] })).toEqual({ by: ["p1"] });
  expect(countOf({ since: "2026-11-27", until: "2026-11-28", user: "u", userType: "t", by: ["p1"] })).toBe(3);
});

it("a decision is called by its actions and is as grave as the gravest", () => {
  expect(titleOf(entry, names, say)).toEqual({ level: "severe", text: "Warn, Ban", isStruck: false });
  expect(titleOf({ ...entry, components: [{ type: "MOVE", queueId: "q2" }] }, names, say)).toMatchObject({ level: null, text: "Move to Queue q2" });
  expect(titleOf({ ...entry, reversible: null, takenBack: [{ kind: "BULK_REVERSAL", id: "b", time: entry.time, executions: 2 }] }, names, say).isStruck).toBe(true);
});

it("the whole decision is one reversal, a part of it one for each execution", () => {
  expect(ordersOf(entry, new Set(["e1", "e2"]), "why")).toEqual([{ decisionId: "d1", note: "why" }]);
  expect(ordersOf(entry, new Set(["e2"]), "why")).toEqual([{ executionId: "e2", note: "why" }]);
  expect(ordersOf({ ...entry, reversible: null }, new Set(["e1"]), "why")).toEqual([]);
});

it("a policy is said with those above it, and a circle ends", () => {
  const policies = [{ id: "a", name: "Violence", parentId: null }, { id: "b", name: "Threats", parentId: "a" }, { id: "c", name: "Round", parentId: "c" }];
  expect(policyPath(policies, "b")).toBe("Violence › Threats");
  expect(policyPath(policies, "c").split(" › ").length).toBeLessThanOrEqual(8);
});

it("what is set off beside actions is said: a report, a job of child safety, another queue; nothing once undone", () => {
  const components: Entry["components"] = [{ type: "SUBMIT_NCMEC_REPORT" }, { type: "MOVE", queueId: "q2" }, { type: "CUSTOM_ACTION", actionIds: ["ban"] }];
  expect(setOff({ ...entry, components }, names, say)).toEqual(["A report to NCMEC was begun", "The job waits in Queue q2"]);
  expect(setOff({ ...entry, components, undoneAt: entry.time }, names, say)).toEqual([]);
});
