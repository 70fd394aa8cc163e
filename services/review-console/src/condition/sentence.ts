/**
 * A condition set as one sentence, as it stands in a list of rules or under what somebody is building.
 *
 *     All text contains “spam” and (score is at least 0.9 or language is one of “en”, “de”)
 *
 * Guarantees: says each part of the set, in its order; values beyond three are counted, not shown; in
 * English a condition reads as review-api says it of what was evaluated (`tree`), which one table holds
 * both to; what is not written yet is “…”.
 * Must not: be parsed by anyone.
 */
import type { Schema } from "@/api/client";
import type { Say } from "@/words/words";

import type { words } from "./words";

export type ConditionSet = Schema["ConditionSet"];
export type Condition = Schema["Condition"];
type Key = Extract<keyof typeof words.messages, string>;
type Input = Condition["input"];

/** What ids in a condition are called. */
export interface Called {
  readonly signal: (type: string) => string;
  readonly bank: (id: string) => string;
}

/** Signals that look for something: each has its words for what a subject does. */
const VERBS = [
  "TEXT_MATCHING_CONTAINS_TEXT",
  "TEXT_MATCHING_NOT_CONTAINS_TEXT",
  "TEXT_MATCHING_CONTAINS_WORD",
  "TEXT_MATCHING_NOT_CONTAINS_WORD",
  "TEXT_MATCHING_CONTAINS_REGEX",
  "TEXT_MATCHING_NOT_CONTAINS_REGEX",
  "TEXT_MATCHING_CONTAINS_VARIANT",
  "GEO_CONTAINED_WITHIN",
  "IMAGE_SIMILARITY_MATCH",
  "IMAGE_SIMILARITY_DOES_NOT_MATCH",
] as const;

const SHOWN = 3;
const LENGTH = 80;

export function isSet(one: ConditionSet | Condition): one is ConditionSet {
  return "conditions" in one;
}

export function sentenceOf(set: ConditionSet, called: Called, say: Say<Key>): string {
  return set.conditions.length === 0 ? say("none") : joined(set, called, say);
}

function joined(set: ConditionSet, called: Called, say: Say<Key>): string {
  const parts = set.conditions.map((one) => {
    if (!isSet(one)) return clauseOf(one, called, say);
    const inside = joined(one, called, say);
    return one.conjunction === "NOT" || one.conditions.length < 2 ? inside : say("group", { inside });
  });
  if (set.conjunction === "NOT") return say("negated", { inside: parts.join(` ${say("or")} `) });
  return parts.join(` ${say(({ AND: "and", OR: "or", XOR: "xor" } as const)[set.conjunction])} `);
}

/** What one condition asks. */
export function clauseOf(condition: Condition, called: Called, say: Say<Key>): string {
  const { input, signal, comparator, threshold } = condition;
  let subject = subjectOf(input, say);
  // Nearly every condition on a signal says so.
  const holds = (!comparator || comparator === "EQUALS") && (threshold === true || threshold === "true" || threshold === undefined);
  const verb = VERBS.find((one) => one === signal?.type);
  if (verb && holds && condition.matchingValues && !signal?.args?.aggregationClause) return say(verb, { subject, values: lookedFor(condition, called, say, true) || say("unfinished") });
  const looking = lookedFor(condition, called, say);
  if (signal) {
    const name = called.signal(signal.type ?? signal.id ?? "");
    subject = signal.subcategory ? say("signalPart", { signal: name, part: cut(signal.subcategory), subject }) : say("signalOf", { signal: name, subject });
    if (looking) subject = say("lookingFor", { subject, values: looking });
    const count = signal.args?.aggregationClause;
    if (count) subject = say("counted", { subject, by: (count.groupBy ?? []).map((one) => subjectOf(one, say)).join(", "), seconds: count.window.sizeMs / 1000 });
  }
  if (signal && holds) return subject;
  if (!comparator) return say("isTrue", { subject });
  return say(comparator, { subject, value: comparedWith(threshold, looking, say) });
}

/** Of a boolean nothing has to be there; what is empty is not written yet. */
function comparedWith(threshold: Condition["threshold"], looking: string, say: Say<Key>): string {
  if (threshold === undefined || (threshold === null && looking)) return looking || say("yes");
  if (threshold === null || threshold === "" || (Array.isArray(threshold) && threshold.length === 0)) return say("unfinished");
  return Array.isArray(threshold) ? several(threshold.map((one) => valueOf(one, say)), say) : valueOf(threshold, say);
}

function subjectOf(input: Input, say: Say<Key>): string {
  switch (input.type) {
    case "USER_ID":
      return say("author");
    case "FULL_ITEM":
      return say("item");
    case "CONTENT_DERIVED_FIELD": {
      const { spec } = input;
      if (!spec) return say("derivedField");
      return say("derived", { derivation: cut(spec.derivationType.replaceAll("_", " ").toLowerCase()), subject: subjectOf(spec.source as Input, say) });
    }
    default:
      return say("field", { name: cut((input.name ?? "").replaceAll("_", " ")) });
  }
}

function lookedFor({ matchingValues }: Condition, called: Called, say: Say<Key>, isAny = false): string {
  if (!matchingValues) return "";
  const banks = [...(matchingValues.textBankIds ?? []), ...(matchingValues.locationBankIds ?? []), ...(matchingValues.imageBankIds ?? [])].map((id) => cut(called.bank(id)));
  const strings = matchingValues.strings ?? [];
  const places = matchingValues.locations?.length ?? 0;
  return [
    strings.length > 0 ? several(strings.map((one) => valueOf(one, say)), say) : "",
    places > 0 ? say("places", { count: places }) : "",
    banks.length > 0 ? ofBanks(banks, isAny, say) : "",
  ]
    .filter(Boolean)
    .join(` ${say("or")} `);
}

function ofBanks(banks: readonly string[], isAny: boolean, say: Say<Key>): string {
  const names = say(banks.length === 1 ? "bank" : "banks", { name: banks[0] ?? "", names: several(banks, say) });
  return isAny ? say("anythingIn", { names }) : names;
}

function several(values: readonly string[], say: Say<Key>): string {
  const shown = values.slice(0, SHOWN).join(", ");
  return values.length > SHOWN ? say("more", { shown, count: values.length - SHOWN }) : shown;
}

function valueOf(value: string | number | boolean, say: Say<Key>): string {
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  return typeof value === "number" ? numeral(value) : say("quoted", { value: cut(value) });
}

/** A whole one as it is, another one to six digits. */
function numeral(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toLocaleString("en-US", { maximumSignificantDigits: 6, useGrouping: false });
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= LENGTH ? text : `${characters.slice(0, LENGTH - 1).join("")}…`;
}
