/**
 * What somebody is writing into the trial of a new rule, on its way to the page of the saved one.
 *
 * Guarantees: what is written until the one page takes the other's place is there, with the focus.
 */
import type { Schema } from "@/api/client";

import type { Tried } from "./verdict";

export interface Written {
  readonly typeId: string | null;
  readonly values: Readonly<Record<string, string>>;
  /** The field that had the focus. */
  readonly field: string | null;
}

const NOTHING: Written = { typeId: null, values: {}, field: null };
let written = NOTHING;
let taker: string | null = null;

/** Of the rule that is not saved yet. */
export function keepWritten(now: Written): void {
  written = now;
}

/** It was saved: the page of this rule is next. */
export function passOn(ruleId: string): void {
  taker = ruleId;
}

/** What was passed on to this rule's page: the first look has it, and no later one. */
export function takeWritten(ruleId: string | null): Written {
  if (taker === null || taker !== ruleId) return NOTHING;
  return written;
}

/** The page of this rule is there. */
export function taken(ruleId: string | null): void {
  if (taker === null || taker !== ruleId) return;
  written = NOTHING;
  taker = null;
}

/** What is tried of it; nothing written is nothing tried. */
export function triedOf(values: Written["values"], type: Schema["ItemTypeView"] | undefined): Tried {
  const data = Object.fromEntries(
    (type?.fields ?? []).flatMap(({ name, type: kind }) => {
      const value = values[name];
      return value === undefined || value === "" ? [] : [[name, kind === "NUMBER" && Number.isFinite(Number(value)) ? Number(value) : value] as const];
    }),
  );
  return type && Object.keys(data).length > 0 ? { kind: "WRITTEN", typeId: type.id, data } : { kind: "NONE" };
}
