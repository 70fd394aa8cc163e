/** How answers of the API about figures are read. What was removed has the name that it had last. */
import type { Schema } from "@/api/client";

export type Answer = Schema["AnswerView"];
export type Names = Schema["AnswersView"]["names"];

export function nameIn(names: Names, kind: string, id: string): string {
  return names[kind]?.[id] ?? id;
}

export interface Row {
  readonly id: string;
  readonly name: string;
  readonly total: number;
  readonly before: number | null;
  readonly counts: readonly (number | null)[];
}

/** The keys of an answer that is grouped by one thing; what has no key is left out. */
export function rowsOf(answer: Answer, names: Names): Row[] {
  const kind = answer.groupBy[0] ?? "";
  return answer.series.flatMap(({ keys: [id], total, previousTotal, counts }) => (id ? [{ id, name: nameIn(names, kind, id), total: total ?? 0, before: previousTotal, counts }] : []));
}

export interface PersonRow extends Row {
  readonly acted: number;
  readonly noViolation: number;
  readonly passedOn: number;
}

export const NO_VIOLATION: ReadonlySet<string> = new Set(["IGNORE", "REJECT_APPEAL", "CLOSE"]);
export const PASSED_ON: ReadonlySet<string> = new Set(["MOVE", "ESCALATE_TO_NCMEC"]);

/** Decisions of people in three parts that sum up to all of theirs. */
export function peopleOf(decisions: Answer, types: Answer, names: Names): PersonRow[] {
  const of = (id: string, kinds: ReadonlySet<string>) => sum(types.series.filter((one) => one.keys[0] === id && kinds.has(one.keys[1] ?? "")).map((one) => one.total ?? 0));
  return rowsOf(decisions, names).map((row) => {
    const noViolation = Math.min(row.total, of(row.id, NO_VIOLATION));
    const passedOn = Math.min(row.total - noViolation, of(row.id, PASSED_ON));
    return { ...row, noViolation, passedOn, acted: row.total - noViolation - passedOn };
  });
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Of one key in an answer that is grouped by one thing. */
export function totalOf(answer: Answer, id: string): number {
  return answer.series.find((one) => one.keys[0] === id)?.total ?? 0;
}
