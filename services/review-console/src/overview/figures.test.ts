import { expect, it } from "vitest";

import { peopleOf, type Answer, type Row } from "@/measure/answer";
import { windowOf } from "@/measure/window";

import { policyTree, questionsOf } from "./figures";

const row = (id: string, total: number, before: number | null = null): Row => ({ id, name: id.toUpperCase(), total, before, counts: [] });
const answer = (groupBy: Answer["groupBy"], series: [(string | null)[], number][]): Answer => ({
  figure: "DECISIONS",
  groupBy,
  bucket: "DAY",
  timeZone: "UTC",
  since: "",
  until: "",
  starts: [],
  previousSince: null,
  others: null,
  series: series.map(([keys, total]) => ({ keys, total, counts: [total], previous: null, previousTotal: null })),
});

it("everything is asked in one request of at most twelve questions, in the viewer's zone", () => {
  const asked = Object.values(questionsOf(windowOf({}, Date.now(), "Asia/Kolkata"), "Asia/Kolkata", { userId: "u", isLead: true }));
  expect(asked.length).toBeLessThanOrEqual(12);
  expect(new Set(asked.map((one) => one.timeZone))).toEqual(new Set(["Asia/Kolkata"]));
});

it("who leads nobody asks for their own decisions only", () => {
  const asked = questionsOf(windowOf({}, Date.now(), "UTC"), "UTC", { userId: "u", isLead: false });
  expect([asked.decisions.filters, asked.decisionTypes.filters]).toEqual([{ reviewerIds: ["u"] }, { reviewerIds: ["u"] }]);
});

it("a parent counts its own and its children's, and what was removed stands by itself", () => {
  const policies = [{ id: "spam", name: "Spam" }, { id: "links", name: "Links", parentId: "spam" }, { id: "deep", name: "Deep", parentId: "links" }];
  const tree = policyTree([row("gone", 9, 9), row("links", 5, 2), row("deep", 4, 1), row("spam", 1, 1)], policies);
  expect(tree.map(({ id, total, before, depth }) => [id, total, before, depth])).toEqual([
    ["spam", 10, 4, 0],
    ["links", 5, 2, 1],
    ["deep", 4, 1, 1],
    ["gone", 9, 9, 0],
  ]);
});

it("policies that are each other's parents end somewhere", () => {
  const policies = [{ id: "a", name: "A", parentId: "b" }, { id: "b", name: "B", parentId: "a" }];
  expect(policyTree([row("a", 1)], policies).length).toBeGreaterThan(0);
});

it("the parts of a person's decisions sum up to all of them, also where one has two types", () => {
  const decisions = answer(["REVIEWER"], [[["ana"], 10], [[null], 3]]);
  const types = answer(["REVIEWER", "TYPE"], [[["ana", "IGNORE"], 4], [["ana", "CUSTOM_ACTION"], 5], [["ana", "RELATED_ACTION"], 3], [["ana", "MOVE"], 1]]);
  expect(peopleOf(decisions, types, { REVIEWER: { ana: "Ana" } })).toMatchObject([{ name: "Ana", total: 10, noViolation: 4, passedOn: 1, acted: 5 }]);
});
