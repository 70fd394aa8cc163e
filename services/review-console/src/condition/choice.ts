/**
 * What somebody may choose for a condition: inputs of the item types that a rule looks at, signals that
 * take such an input, comparators that fit what comes of it.
 *
 * Guarantees: what is offered is what docs/rules.md lets a rule have; a condition that is changed keeps
 * what still fits, and nothing that does not.
 * Must not: be the judge: a condition that was not made here is shown as it is.
 */
import type { Schema } from "@/api/client";
import type { Say } from "@/words/words";

import type { words } from "./editor-words";
import { isSet, type Condition, type ConditionSet } from "./sentence";

export type Input = Condition["input"];
export type Signal = Schema["SignalView"];
export type Scalar = Schema["ScalarType"];
export type Comparator = Schema["Comparator"];
export type Family = "NUMBER" | "DATETIME" | "BOOLEAN" | "ENUM" | "REFERENCE" | "MEDIA" | "TEXT";
type ItemType = Pick<Schema["ItemTypeView"], "id" | "name" | "fields">;
type Key = Extract<keyof typeof words.messages, string>;

export interface InputChoice {
  readonly key: string;
  readonly label: string;
  readonly group: string;
  readonly input: Input;
  /** Null: the whole item. */
  readonly scalar: Scalar | null;
  /** Whether there may be several values. */
  readonly isMany: boolean;
  /** All that it can be, where that is known. */
  readonly options?: readonly Option[];
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** What a routing rule can ask besides the item: the policies at hand, and what sent it. */
export interface RoutingInputs {
  readonly policies: readonly Option[];
  readonly sources: readonly Option[];
}

const COOP = [
  { name: "All text", scalar: "STRING", isMany: false, of: ["STRING"] },
  { name: "Any image", scalar: "IMAGE", isMany: true, of: ["IMAGE", "MEDIA"] },
  { name: "Any video", scalar: "VIDEO", isMany: true, of: ["VIDEO", "MEDIA"] },
  { name: "Any geohash", scalar: "GEOHASH", isMany: true, of: ["GEOHASH"] },
] as const;
const SPOKEN = ["VIDEO", "AUDIO", "MEDIA"];

/** One and the same for inputs that mean the same. */
export function inputKey(input: Input): string {
  const { type, name, contentTypeId, contentTypeIds, spec } = input;
  if (type === "USER_ID" || name === "Content author (user)") return "USER_ID";
  const source = spec ? inputKey(spec.source as Input) : "";
  return [type, name ?? "", contentTypeId ?? "", (contentTypeIds ?? []).join(","), spec?.derivationType ?? "", source].join("\n");
}

export function inputsOf(types: readonly ItemType[], say: Say<Key>, routing?: RoutingInputs): InputChoice[] {
  const made = (label: string, group: string, input: Input, scalar: Scalar | null, isMany = false): InputChoice => ({ key: inputKey(input), label, group, input, scalar, isMany });
  const scalarOf = (field: ItemType["fields"][number]): Scalar => field.container?.valueScalarType ?? (field.type as Scalar);
  const scalars = new Set(types.flatMap((type) => type.fields.map(scalarOf)));
  const item = say("groupItem");
  const whole = COOP.filter(({ of }) => of.some((one) => scalars.has(one))).map(({ name, scalar, isMany }) => made(say(name), item, { type: "CONTENT_COOP_INPUT", name }, scalar, isMany));
  const fields = types.flatMap((type) =>
    type.fields.map((field) => made(field.name.replaceAll("_", " "), type.name, { type: "CONTENT_FIELD", name: field.name, contentTypeId: type.id }, scalarOf(field), field.type === "ARRAY" || field.type === "MAP")),
  );
  const spoken = [...whole, ...fields].filter(({ scalar, isMany, input }) => scalar !== null && SPOKEN.includes(scalar) && (!isMany || input.type === "CONTENT_COOP_INPUT"));
  const derived = spoken.map(({ label, input }) => made(say("transcript", { of: label }), say("groupDerived"), { type: "CONTENT_DERIVED_FIELD", spec: { derivationType: "VIDEO_TRANSCRIPTION", source: input } }, "STRING"));
  const asked = (name: "Relevant Policy" | "Source", scalar: Scalar, options: readonly Option[], isMany = false) => ({ ...made(say(name), say("groupSent"), { type: "CONTENT_COOP_INPUT", name }, scalar, isMany), options });
  const sent = routing ? [asked("Relevant Policy", "POLICY_ID", routing.policies, true), asked("Source", "STRING", routing.sources)] : [];
  return [...sent, ...whole, made(say("author"), item, { type: "USER_ID" }, "USER_ID"), made(say("wholeItem"), item, { type: "FULL_ITEM" }, null), ...fields, ...derived];
}

/** What signals count as theirs: one that is derived of several, or retired, is none to choose. */
export function takes(signal: Signal, choice: Pick<InputChoice, "scalar">): boolean {
  if (signal.fullItem || choice.scalar === null) return signal.fullItem && choice.scalar === null;
  const isMedium = choice.scalar === "MEDIA" && ["IMAGE", "VIDEO", "AUDIO"].some((one) => signal.inputs.includes(one));
  return isMedium || signal.inputs.includes(choice.scalar);
}

export function isOffered(signal: Signal, isRouting: boolean): boolean {
  return signal.derivation === null && (isRouting ? signal.allowedInRoutingRules : signal.allowedInRules);
}

const FAMILIES: Partial<Record<Scalar, Family>> = { NUMBER: "NUMBER", DATETIME: "DATETIME", BOOLEAN: "BOOLEAN", USER_ID: "REFERENCE", RELATED_ITEM: "REFERENCE", IMAGE: "MEDIA", VIDEO: "MEDIA", AUDIO: "MEDIA", MEDIA: "MEDIA" };

export function familyOf(scalar: Scalar | null, signal: Signal | null): Family {
  if (signal) return signal.order.length > 0 ? "ENUM" : signal.output === "NUMBER" ? "NUMBER" : signal.output === "BOOLEAN" ? "BOOLEAN" : "TEXT";
  return (scalar && FAMILIES[scalar]) ?? "TEXT";
}

const ORDERED: readonly Comparator[] = ["EQUALS", "NOT_EQUAL_TO", "GREATER_THAN_OR_EQUALS", "GREATER_THAN", "LESS_THAN_OR_EQUALS", "LESS_THAN"];

export function comparatorsFor(family: Family, { isMany, isRemote, hasSignal }: { isMany: boolean; isRemote: boolean; hasSignal: boolean }): Comparator[] {
  const presence: Comparator[] = isRemote ? ["IS_NOT_PROVIDED", "IS_UNAVAILABLE"] : ["IS_NOT_PROVIDED"];
  if (family === "BOOLEAN") return ["EQUALS", ...presence];
  const parts: Comparator[] = !hasSignal && (isMany || family === "TEXT") ? ["CONTAINS"] : [];
  const ordered = ["NUMBER", "DATETIME", "ENUM"].includes(family) ? ORDERED : ORDERED.slice(0, 2);
  return [...ordered, "IN", "NOT_IN", ...parts, ...presence];
}

export const isPresence = (comparator: Comparator | null | undefined) => comparator === "IS_NOT_PROVIDED" || comparator === "IS_UNAVAILABLE";
export const isListing = (comparator: Comparator | null | undefined) => comparator === "IN" || comparator === "NOT_IN";

export function signalName(condition: Condition): string | null {
  const { signal } = condition;
  if (!signal) return null;
  if (signal.type) return signal.type;
  try {
    const read = JSON.parse(signal.id ?? "") as { type?: unknown };
    return typeof read.type === "string" ? read.type : (signal.id ?? null);
  } catch {
    return signal.id ?? null;
  }
}

const HOUR_MS = 3_600_000;

/** A condition that begins to compare so, with an empty threshold. */
function compared(condition: Pick<Condition, "input" | "signal" | "matchingValues">, family: Family): Condition {
  if (family === "BOOLEAN") return { ...condition, comparator: "EQUALS", threshold: true };
  const comparator = family === "NUMBER" || family === "DATETIME" || family === "ENUM" ? "GREATER_THAN_OR_EQUALS" : "EQUALS";
  return { ...condition, comparator, threshold: null };
}

export function withSignal(condition: Condition, choice: InputChoice, signal: Signal | null): Condition {
  const { input } = condition;
  if (signal === null) return compared({ input }, familyOf(choice.scalar, null));
  const args = signal.name === "AGGREGATION" ? { args: { aggregationClause: { aggregation: { type: "COUNT" as const }, groupBy: [{ type: "USER_ID" as const }], window: { sizeMs: HOUR_MS } } } } : {};
  const looks = signal.needsMatchingValues.length > 0;
  const kept = condition.matchingValues ?? { strings: [] };
  return compared({ input, signal: { type: signal.name, id: JSON.stringify({ type: signal.name }), ...args }, ...(looks ? { matchingValues: fitting(kept, signal) } : {}) }, familyOf(choice.scalar, signal));
}

function fitting(values: NonNullable<Condition["matchingValues"]>, { needsMatchingValues: needs }: Signal): NonNullable<Condition["matchingValues"]> {
  return {
    ...(needs.includes("strings") ? { strings: values.strings ?? [] } : {}),
    ...(needs.includes("text_banks") && values.textBankIds ? { textBankIds: values.textBankIds } : {}),
    ...(needs.includes("locations") && values.locations ? { locations: values.locations } : {}),
    ...(needs.includes("location_banks") ? { locationBankIds: values.locationBankIds ?? [] } : {}),
    ...(needs.includes("image_banks") ? { imageBankIds: values.imageBankIds ?? [] } : {}),
  };
}

/** Of another input: with its signal, where that takes it; with its threshold, where that is of the same kind. */
export function withInput(condition: Condition, from: Pick<InputChoice, "scalar">, to: InputChoice, signal: Signal | null): Condition {
  const keeps = signal !== null && takes(signal, to);
  if (keeps) return { ...condition, input: to.input };
  const next = { ...condition, input: to.input };
  if (signal === null && familyOf(from.scalar, null) === familyOf(to.scalar, null)) return next;
  return withSignal(next, to, null);
}

/** What a threshold of one comparator is under another. */
export function withComparator(condition: Condition, comparator: Comparator, family: Family): Condition {
  const { threshold, matchingValues, signal } = condition;
  const isOne = threshold !== null && threshold !== undefined && !Array.isArray(threshold);
  if (isPresence(comparator)) return { ...condition, comparator, threshold: null };
  if (isListing(comparator)) {
    if (matchingValues && !signal) return { ...condition, comparator, threshold: null };
    return { ...condition, comparator, threshold: Array.isArray(threshold) ? threshold : isOne && threshold !== "" ? [threshold] : [] };
  }
  const one = Array.isArray(threshold) ? (threshold[0] ?? null) : (threshold ?? (family === "BOOLEAN" ? true : null));
  return { ...condition, ...(signal ? {} : { matchingValues: null }), comparator, threshold: one };
}

/** A new condition, of what is most often asked first. */
export function begun(choices: readonly InputChoice[], signals: readonly Signal[]): Condition {
  const choice = choices.find(({ input }) => input.name === "All text") ?? choices.find(({ group }) => group !== choices[0]?.group) ?? choices[0];
  if (!choice) return { input: { type: "USER_ID" }, comparator: "EQUALS", threshold: null };
  const signal = signals.find((one) => one.name === "TEXT_MATCHING_CONTAINS_TEXT" && takes(one, choice)) ?? null;
  return withSignal({ input: choice.input }, choice, signal);
}

export function conditionsIn(set: ConditionSet): number {
  return set.conditions.reduce((all, one) => all + (isSet(one) ? conditionsIn(one) : 1), 0);
}
