/**
 * Changes of a tree of conditions: each gives another tree, and where the part that was meant is then.
 *
 *     path: [1, 0]                the first condition of the second part of the set
 *           [0, "counted", 1]     the second of those that say which items a condition counts
 *
 * Guarantees: the tree that was given stays as it is; no group is left empty but the outermost, and no
 * NOT without its one part. A part that is negated is moved, wrapped and removed with its NOT.
 * Must not: judge a condition; the server does, by pointers (`pointerOf`).
 */
import type { Schema } from "@/api/client";

import { isSet, type Condition, type ConditionSet } from "./sentence";

export type Part = ConditionSet | Condition;
export type Path = readonly (number | "counted")[];
export interface Changed {
  readonly set: ConditionSet;
  readonly path: Path;
}
type Indexes = readonly number[];
interface Placed {
  readonly set: ConditionSet;
  readonly at: Indexes;
}

const COUNTED = "/signal/args/aggregationClause/conditionSet";

/** Below the condition set, as the server names it. */
export function pointerOf(path: Path): string {
  return path.map((step) => (step === "counted" ? COUNTED : `/conditions/${step}`)).join("");
}

export function pathOfPointer(pointer: string): Path {
  return [...pointer.matchAll(/\/conditions\/(\d+)|\/signal\/args\/aggregationClause\/conditionSet/g)].map(([, index]) => (index === undefined ? "counted" : Number(index)));
}

export function countedBy(condition: Condition): ConditionSet | null {
  return condition.signal?.args?.aggregationClause?.conditionSet ?? null;
}

export function withClause(condition: Condition, more: Partial<Schema["CountClause"]>): Condition {
  const { signal } = condition;
  const clause = signal?.args?.aggregationClause;
  return signal && clause ? { ...condition, signal: { ...signal, args: { aggregationClause: { ...clause, ...more } } } } : condition;
}

export function partAt(set: ConditionSet, path: Path): Part | null {
  let part: Part | null = set;
  for (const step of path) {
    if (part === null) return null;
    if (step === "counted") part = isSet(part) ? null : countedBy(part);
    else part = isSet(part) ? (part.conditions[step] ?? null) : null;
  }
  return part;
}

/** A set whose outermost join is no NOT: nothing could be added to that. */
export function rooted(set: ConditionSet): ConditionSet {
  return set.conjunction === "NOT" ? { conjunction: "AND", conditions: [set] } : set;
}

export function replaced(set: ConditionSet, path: Path, part: Part): ConditionSet {
  const [step, ...rest] = path;
  if (step === undefined) return isSet(part) ? part : set;
  return { ...set, conditions: set.conditions.map((one, index) => (index === step ? within(one, rest, part) : one)) };
}

function within(part: Part, path: Path, by: Part): Part {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (step !== "counted") return isSet(part) ? replaced(part, path, by) : part;
  const counted = isSet(part) ? null : countedBy(part);
  return counted && !isSet(part) ? withClause(part, { conditionSet: replaced(counted, rest, by) }) : part;
}

/** Behind the part there, in its group. */
export function addedAfter(set: ConditionSet, path: Path, part: Part): Changed {
  return inOwn(set, path, (own, at) => {
    const unit = unitOf(own, at);
    return insert(own, [...unit.slice(0, -1), (unit.at(-1) ?? 0) + 1], part);
  });
}

/** As the last of the group there. */
export function addedTo(set: ConditionSet, path: Path, part: Part): Changed {
  const group = partAt(set, path);
  if (group === null || !isSet(group)) return { set, path };
  return { set: replaced(set, path, { ...group, conditions: [...group.conditions, part] }), path: [...path, group.conditions.length] };
}

export function removed(set: ConditionSet, path: Path): Changed {
  return inOwn(set, path, (own, at) => {
    const unit = unitOf(own, at);
    const next = cut(own, unit);
    let near: Indexes = unit;
    while (near.length > 0 && partAt(next, near) === null) {
      const place = near.at(-1) ?? 0;
      near = place > 0 ? [...near.slice(0, -1), place - 1] : near.slice(0, -1);
    }
    return shown(next, near);
  });
}

/** NOT around it, or away. */
export function negated(set: ConditionSet, path: Path): Changed {
  return inOwn(set, path, (own, at) => {
    const part = partAt(own, at);
    if (part === null || at.length === 0) return { set: own, at };
    const unit = unitOf(own, at);
    if (unit.length < at.length) return { set: replaced(own, unit, part), at: unit };
    return { set: replaced(own, at, { conjunction: "NOT", conditions: [part] }), at: [...at, 0] };
  });
}

/** In a group of its own, joined the other way than the one that it is in. */
export function wrapped(set: ConditionSet, path: Path): Changed {
  return inOwn(set, path, (own, at) => {
    const unit = unitOf(own, at);
    const part = partAt(own, unit);
    const around = partAt(own, unit.slice(0, -1));
    if (part === null || at.length === 0) return { set: own, at };
    const conjunction = around && isSet(around) && around.conjunction === "AND" ? "OR" : "AND";
    return shown(replaced(own, unit, { conjunction, conditions: [part] }), [...unit, 0]);
  });
}

/** The parts of a group in its place. */
export function unwrapped(set: ConditionSet, path: Path): Changed {
  return inOwn(set, path, (own, at) => {
    const group = partAt(own, at);
    const unit = unitOf(own, at);
    if (group === null || !isSet(group) || at.length === 0 || unit.length < at.length) return { set: own, at };
    const around = partAt(own, at.slice(0, -1));
    if (around === null || !isSet(around)) return { set: own, at };
    const place = at.at(-1) ?? 0;
    const conditions = around.conditions.flatMap((one, index) => (index === place ? group.conditions : [one]));
    return shown(replaced(own, at.slice(0, -1), { ...around, conditions }), at);
  });
}

/** One line up or down: into a group, through it, out of it. */
export function moved(set: ConditionSet, path: Path, by: 1 | -1): Changed {
  return inOwn(set, path, (own, at) => {
    const unit = unitOf(own, at);
    const part = partAt(own, unit);
    const place = unit.at(-1);
    const group = unit.slice(0, -1);
    const around = partAt(own, group);
    if (part === null || place === undefined || around === null || !isSet(around)) return { set: own, at };
    const beside = around.conditions[place + by];
    if (beside !== undefined) {
      if (!isSet(beside) || beside.conjunction === "NOT") {
        const conditions = [...around.conditions];
        [conditions[place], conditions[place + by]] = [beside, part];
        return shown(replaced(own, group, { ...around, conditions }), [...group, place + by]);
      }
      const entered = by < 0 ? { ...beside, conditions: [...beside.conditions, part] } : { ...beside, conditions: [part, ...beside.conditions] };
      const conditions = around.conditions.flatMap((one, index) => (index === place ? [] : index === place + by ? [entered] : [one]));
      const now = by < 0 ? [...group, place - 1, beside.conditions.length] : [...group, place, 0];
      return shown(replaced(own, group, { ...around, conditions }), now);
    }
    if (group.length === 0) return { set: own, at };
    const outer = unitOf(own, group);
    const over = outer.slice(0, -1);
    const nth = outer.at(-1) ?? 0;
    const inside = unit.slice(outer.length);
    if (by < 0) return shown(cut(insert(own, outer, part).set, [...over, nth + 1, ...inside]), outer);
    const left = cut(insert(own, [...over, nth + 1], part).set, unit);
    // A group that it was the only part of is gone.
    return shown(left, [...over, around.conditions.length === 1 ? nth : nth + 1]);
  });
}

function inOwn(set: ConditionSet, path: Path, change: (own: ConditionSet, at: Indexes) => Placed): Changed {
  const base = path.slice(0, path.lastIndexOf("counted") + 1);
  const own = partAt(set, base);
  if (own === null || !isSet(own)) return { set, path };
  const next = change(own, path.slice(base.length) as Indexes);
  return { set: replaced(set, base, next.set), path: [...base, ...next.at] };
}

/** With the NOT around it, if there is one. */
function unitOf(set: ConditionSet, at: Indexes): Indexes {
  const around = at.length > 1 ? partAt(set, at.slice(0, -1)) : null;
  return around !== null && isSet(around) && around.conjunction === "NOT" ? at.slice(0, -1) : at;
}

/** Where what is shown of it is: within its NOT. */
function shown(set: ConditionSet, at: Indexes): Placed {
  const part = partAt(set, at);
  return { set, at: part !== null && isSet(part) && part.conjunction === "NOT" ? [...at, 0] : at };
}

function insert(set: ConditionSet, at: Indexes, part: Part): Placed {
  const group = partAt(set, at.slice(0, -1));
  if (group === null || !isSet(group)) return { set, at };
  return { set: replaced(set, at.slice(0, -1), { ...group, conditions: group.conditions.toSpliced(at.at(-1) ?? 0, 0, part) }), at };
}

/** Without it, and without what is empty then. */
function cut(set: ConditionSet, at: Indexes): ConditionSet {
  if (at.length === 0) return { ...set, conditions: [] };
  const group = partAt(set, at.slice(0, -1));
  if (group === null || !isSet(group)) return set;
  const conditions = group.conditions.toSpliced(at.at(-1) ?? 0, 1);
  if (conditions.length === 0 && at.length > 1) return cut(set, at.slice(0, -1));
  return replaced(set, at.slice(0, -1), { ...group, conditions });
}
