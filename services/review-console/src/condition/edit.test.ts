import { expect, it } from "vitest";

import { addedAfter, addedTo, moved, negated, partAt, pathOfPointer, pointerOf, removed, replaced, rooted, unwrapped, wrapped, type Changed, type Path } from "./edit";
import { isSet, type Condition, type ConditionSet } from "./sentence";

const leaf = (name: string): Condition => ({ input: { type: "CONTENT_FIELD", name } }) as Condition;
type Written = string | readonly ["AND" | "OR" | "XOR" | "NOT", ...Written[]];
const of = (written: Written): ConditionSet | Condition => {
  if (typeof written === "string") return leaf(written);
  const [conjunction, ...parts] = written;
  return { conjunction, conditions: parts.map(of) };
};
const tree = (written: Written) => of(written) as ConditionSet;
const written = (part: ConditionSet | Condition): Written => (isSet(part) ? [part.conjunction, ...part.conditions.map(written)] : (part.input.name ?? ""));
const said = ({ set, path }: Changed) => ({ set: written(set), at: path });

it("a condition comes behind the one that is meant, in its group, and behind its NOT", () => {
  expect(said(addedAfter(tree(["AND", "a", ["OR", "b", "c"]]), [1, 0], leaf("x")))).toEqual({ set: ["AND", "a", ["OR", "b", "x", "c"]], at: [1, 1] });
  expect(said(addedAfter(tree(["AND", ["NOT", "a"]]), [0, 0], leaf("x")))).toEqual({ set: ["AND", ["NOT", "a"], "x"], at: [1] });
  expect(said(addedTo(tree(["AND"]), [], leaf("x")))).toEqual({ set: ["AND", "x"], at: [0] });
});

it("what is removed takes its NOT and groups that are empty then with it; the outermost stays", () => {
  expect(said(removed(tree(["AND", "a", ["NOT", ["OR", "b"]]]), [1, 0, 0]))).toEqual({ set: ["AND", "a"], at: [0] });
  expect(said(removed(tree(["AND", "a", "b"]), [1]))).toEqual({ set: ["AND", "a"], at: [0] });
  expect(said(removed(tree(["AND", "a"]), [0]))).toEqual({ set: ["AND"], at: [] });
});

it("what is negated twice is as it was", () => {
  const once = negated(tree(["AND", "a", ["OR", "b", "c"]]), [1]);
  expect(said(once)).toEqual({ set: ["AND", "a", ["NOT", ["OR", "b", "c"]]], at: [1, 0] });
  expect(said(negated(once.set, once.path))).toEqual({ set: ["AND", "a", ["OR", "b", "c"]], at: [1] });
});

it("a group is put around a part and taken away again", () => {
  const once = wrapped(tree(["AND", "a", ["NOT", "b"]]), [1, 0]);
  expect(said(once)).toEqual({ set: ["AND", "a", ["OR", ["NOT", "b"]]], at: [1, 0, 0] });
  expect(said(unwrapped(once.set, [1]))).toEqual({ set: ["AND", "a", ["NOT", "b"]], at: [1, 0] });
});

it.each<[string, Written, Path, 1 | -1, Written, Path]>([
  ["past its neighbour", ["AND", "a", "b"], [1], -1, ["AND", "b", "a"], [0]],
  ["into the group before", ["AND", ["OR", "a", "b"], "c"], [1], -1, ["AND", ["OR", "a", "b", "c"]], [0, 2]],
  ["into the group behind", ["AND", "a", ["OR", "b"]], [0], 1, ["AND", ["OR", "a", "b"]], [0, 0]],
  ["out of its group, up", ["AND", "a", ["OR", "b", "c"]], [1, 0], -1, ["AND", "a", "b", ["OR", "c"]], [1]],
  ["out of its group, down", ["AND", ["OR", "a", "b"]], [0, 1], 1, ["AND", ["OR", "a"], "b"], [1]],
  ["out of a group that is gone then", ["AND", ["OR", "a"], "b"], [0, 0], 1, ["AND", "a", "b"], [0]],
  ["out of a negated group", ["AND", ["NOT", ["OR", "a", "b"]]], [0, 0, 0], -1, ["AND", "a", ["NOT", ["OR", "b"]]], [0]],
  ["with its NOT", ["AND", "a", ["NOT", "b"]], [1, 0], -1, ["AND", ["NOT", "b"], "a"], [0, 0]],
  ["past a NOT, which has one part", ["AND", "a", ["NOT", "b"]], [0], 1, ["AND", ["NOT", "b"], "a"], [1]],
  ["nowhere from the end", ["AND", "a", "b"], [1], 1, ["AND", "a", "b"], [1]],
])("a part moves %s", (_, before, path, by, after, at) => {
  expect(said(moved(tree(before), path, by))).toEqual({ set: after, at });
});

it("wherever a part goes, up and down again, no condition is lost or doubled", () => {
  const leaves = (one: Written): string[] => (typeof one === "string" ? [one] : (one.slice(1) as Written[]).flatMap(leaves));
  let now: Changed = { set: tree(["AND", "a", ["OR", "b", ["NOT", ["XOR", "c", "d"]]], "e"]), path: [2] };
  for (const by of [-1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1] as const) {
    now = moved(now.set, now.path, by);
    expect(leaves(written(now.set)).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
    expect(written(partAt(now.set, now.path) ?? leaf("none"))).toBe("e");
  }
});

it("conditions that say what is counted are reached by the server's pointers, and changed in their place", () => {
  const count = { input: { type: "FULL_ITEM" }, signal: { type: "AGGREGATION", args: { aggregationClause: { aggregation: { type: "COUNT" }, window: { sizeMs: 1000 }, conditionSet: tree(["AND", "a"]) } } } } as Condition;
  const set: ConditionSet = { conjunction: "AND", conditions: [count] };
  const path: Path = [0, "counted", 0];
  expect(pointerOf(path)).toBe("/conditions/0/signal/args/aggregationClause/conditionSet/conditions/0");
  expect(pathOfPointer(pointerOf(path))).toEqual(path);
  const next = addedAfter(set, path, leaf("b"));
  expect(next.path).toEqual([0, "counted", 1]);
  expect(partAt(next.set, [0, "counted"])).toEqual(tree(["AND", "a", "b"]));
  expect(partAt(replaced(next.set, path, leaf("z")), path)).toEqual(leaf("z"));
  expect(partAt(set, [0, "counted"])).toEqual(tree(["AND", "a"]));
});

it("a set that is turned round as a whole becomes the one part of another", () => {
  expect(written(rooted(tree(["NOT", "a"])))).toEqual(["AND", ["NOT", "a"]]);
});
