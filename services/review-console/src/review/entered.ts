/**
 * What a reviewer entered for a job, and the decision that it is.
 *
 *     nothing ──choose──▶ a verdict (no violation, accepted, rejected, moved, escalated, reported)
 *                     └─▶ actions on the item, its author, and on messages or people around it
 *
 * A draft has the shape of a decision (`components`, `reason`, `note`), so that what was refused and
 * what was undone comes back as it was; `kept` holds what no component can hold yet.
 *
 * Guarantees: what does not go together is never chosen together; a draft is read whatever it holds.
 * Must not: ask anybody anything.
 */
import type { Schema } from "@/api/client";

import { bodyOf, isUntouched, keptOf, NO_REPORT, reportOf, type Report } from "./report";

export type Offers = Schema["OffersView"];
export type Offered = Schema["OfferedActionView"];
export type DecisionComponent = Schema["DecideBody"]["components"][number];
export type ItemRef = Schema["ItemRefView"];
export type Verdict = "IGNORE" | "ACCEPT_APPEAL" | "REJECT_APPEAL" | "ESCALATE_TO_NCMEC" | "SUBMIT_NCMEC_REPORT" | "MOVE";
export type Value = string | number | boolean | readonly string[];
export type Values = Readonly<Record<string, Value>>;

/** An action on something beside the job's item: messages of a thread, people. */
export interface Related {
  readonly actionId: string;
  readonly items: readonly ItemRef[];
}

export interface Entered {
  readonly verdict: Verdict | null;
  readonly moveTo: string | null;
  /** Actions on the item itself. */
  readonly actionIds: readonly string[];
  readonly related: readonly Related[];
  /** By action, then by name of the parameter. */
  readonly parameters: Readonly<Record<string, Values>>;
  readonly policyIds: readonly string[];
  readonly reverseActions: boolean;
  readonly reason: string;
  readonly note: string;
  /** Of a job about child safety: what NCMEC would be told. */
  readonly report: Report;
}

export const NOTHING: Entered = { verdict: null, moveTo: null, actionIds: [], related: [], parameters: {}, policyIds: [], reverseActions: true, reason: "", note: "", report: NO_REPORT };

/** Verdicts that no action on the item goes with. */
const ALONE: ReadonlySet<Verdict> = new Set(["IGNORE", "REJECT_APPEAL"]);

export function sameItem(one: ItemRef, other: ItemRef): boolean {
  return one.id === other.id && one.typeId === other.typeId;
}

export function isEmpty(entered: Entered): boolean {
  const { verdict, actionIds, related, reason, note, policyIds, report } = entered;
  return verdict === null && isUntouched(report) && actionIds.length + related.length + policyIds.length === 0 && reason === "" && note === "";
}

export function acts(entered: Entered): boolean {
  return entered.actionIds.length + entered.related.length > 0;
}

export function judged(entered: Entered, verdict: Verdict, moveTo: string | null = null): Entered {
  if (entered.verdict === verdict && (verdict !== "MOVE" || entered.moveTo === moveTo)) return { ...entered, verdict: null, moveTo: null };
  const actionIds = ALONE.has(verdict) ? [] : entered.actionIds;
  return { ...entered, verdict, moveTo, actionIds, policyIds: ALONE.has(verdict) && entered.related.length === 0 ? [] : entered.policyIds };
}

/** An action on the item, or on its author, on or off. An appeal keeps its verdict beside it. */
export function toggled(entered: Entered, offered: Offered, author: ItemRef | null): Entered {
  if (offered.target === "AUTHOR") {
    if (author === null) return entered;
    const has = hasRelated(entered, offered.id, author);
    return has ? withoutRelated(entered, offered.id, author) : withRelated(unjudged(entered, false), offered.id, [author]);
  }
  const has = entered.actionIds.includes(offered.id);
  const actionIds = has ? entered.actionIds.filter((id) => id !== offered.id) : [...entered.actionIds, offered.id];
  return { ...(has ? entered : unjudged(entered, true)), actionIds };
}

function unjudged(entered: Entered, onItem: boolean): Entered {
  const { verdict } = entered;
  const parts = verdict === "IGNORE" || (verdict === "REJECT_APPEAL" && onItem);
  return parts ? { ...entered, verdict: null } : entered;
}

export function hasRelated(entered: Entered, actionId: string, item: ItemRef): boolean {
  return entered.related.some((one) => one.actionId === actionId && one.items.some((other) => sameItem(other, item)));
}

export function withRelated(entered: Entered, actionId: string, items: readonly ItemRef[]): Entered {
  const before = entered.related.find((one) => one.actionId === actionId)?.items ?? [];
  const added = items.filter((item) => !before.some((other) => sameItem(other, item)));
  return { ...entered, related: [...entered.related.filter((one) => one.actionId !== actionId), { actionId, items: [...before, ...added] }] };
}

/** Without `item`: that action on nothing at all. */
export function withoutRelated(entered: Entered, actionId: string, item?: ItemRef): Entered {
  const related = entered.related.flatMap((one) => {
    if (one.actionId !== actionId) return [one];
    const items = item ? one.items.filter((other) => !sameItem(other, item)) : [];
    return items.length > 0 ? [{ ...one, items }] : [];
  });
  return { ...entered, related };
}

/** As it is sent. Parameters that nobody changed are sent as they are offered. */
export function componentsOf(entered: Entered): DecisionComponent[] {
  const found: DecisionComponent[] = [];
  const policyIds = [...entered.policyIds];
  const valuesOf = (ids: readonly string[]) => Object.fromEntries(ids.flatMap((id) => (entered.parameters[id] ? [[id, plain(entered.parameters[id])]] : [])));
  const { verdict, actionIds } = entered;
  if (verdict === "MOVE" && entered.moveTo !== null) found.push({ type: "MOVE", queueId: entered.moveTo });
  else if (verdict === "SUBMIT_NCMEC_REPORT") found.push({ type: verdict, report: bodyOf(entered.report) });
  else if (verdict === "ACCEPT_APPEAL") found.push({ type: verdict, reverseActions: entered.reverseActions });
  else if (verdict !== null && verdict !== "MOVE") found.push({ type: verdict });
  if (actionIds.length > 0) found.push({ type: "CUSTOM_ACTION", actionIds: [...actionIds], policyIds, parameters: valuesOf(actionIds) });
  for (const { actionId, items } of entered.related) {
    found.push({ type: "RELATED_ACTION", actionIds: [actionId], items: items.map(({ id, typeId }) => ({ id, typeId })), policyIds, parameters: valuesOf([actionId]) });
  }
  return found;
}

type Plain = Record<string, string | number | boolean | string[]>;

function plain(values: Values): Plain {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "object" ? [...value] : value]));
}

/** What is kept as a draft: a decision, and what of it has no component yet. */
export function draftOf(entered: Entered): Record<string, unknown> {
  const { policyIds, parameters, reverseActions, report } = entered;
  // Confirming is of the moment: a report is kept as what it says, and not as confirmed.
  const verdict = entered.verdict === "SUBMIT_NCMEC_REPORT" ? null : entered.verdict;
  const kept = { policyIds, parameters, reverseActions, ...(isUntouched(report) ? {} : { report: keptOf(report) }) };
  return { components: componentsOf({ ...entered, verdict }), reason: entered.reason, note: entered.note, kept };
}

/** Of a draft: kept by this page, refused by the API, or undone. */
export function enteredOf(content: Readonly<Record<string, unknown>>): Entered {
  const components = listOf(content.components).filter(isRecord);
  const kept = isRecord(content.kept) ? content.kept : {};
  let entered: Entered = { ...NOTHING, reason: textOf(content.reason), note: textOf(content.note), report: reportOf(kept.report) };
  const policyIds = new Set(listOf(kept.policyIds).filter(isText));
  const parameters: Record<string, Values> = { ...(isRecord(kept.parameters) ? (kept.parameters as Record<string, Values>) : {}) };
  for (const one of components) {
    const ids = listOf(one.actionIds).filter(isText);
    if (one.type === "CUSTOM_ACTION") entered = { ...entered, actionIds: [...entered.actionIds, ...ids] };
    if (one.type === "RELATED_ACTION") {
      const items = listOf(one.items).filter(isRecord).map((item) => ({ id: textOf(item.id), typeId: textOf(item.typeId) }));
      for (const id of ids) entered = withRelated(entered, id, items);
    }
    if (one.type === "MOVE") entered = { ...entered, verdict: "MOVE", moveTo: textOf(one.queueId) };
    if (one.type === "IGNORE" || one.type === "ACCEPT_APPEAL" || one.type === "REJECT_APPEAL" || one.type === "ESCALATE_TO_NCMEC") entered = { ...entered, verdict: one.type };
    if (one.type === "SUBMIT_NCMEC_REPORT") entered = { ...entered, report: reportOf(one.report) };
    if (one.type === "ACCEPT_APPEAL") entered = { ...entered, reverseActions: one.reverseActions === true };
    for (const id of listOf(one.policyIds).filter(isText)) policyIds.add(id);
    if (isRecord(one.parameters)) Object.assign(parameters, one.parameters);
  }
  return { ...entered, policyIds: [...policyIds], parameters };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export type Missing = "choice" | "policy" | "reason" | "queue" | "parameter";

/** What has to be entered before it can be sent, in the order of the page. `incomplete`: an action
 * lacks a parameter that it needs. */
export function missingIn(entered: Entered, rules: Offers["rules"], isAppeal: boolean, incomplete: boolean): Missing[] {
  const found: Missing[] = [];
  const nothing = entered.verdict === null && !acts(entered);
  if (nothing || (isAppeal && entered.verdict === null)) found.push("choice");
  if (entered.verdict === "MOVE" && entered.moveTo === null) found.push("queue");
  if (incomplete) found.push("parameter");
  if (rules.policyRequired && acts(entered) && entered.policyIds.length === 0) found.push("policy");
  const needsReason = (rules.reasonRequired && acts(entered)) || (rules.reasonRequiredOnIgnore && entered.verdict === "IGNORE");
  if (needsReason && entered.reason.trim() === "") found.push("reason");
  return found;
}

const RANK: Readonly<Record<string, number>> = { NONE: 0, LOW: 1, MEDIUM: 2, HIGH: 3, SEVERE: 4 };

/** From the mildest to the gravest, then by name; what the queue hides is not among them. */
export function inOrder(actions: readonly Offered[]): Offered[] {
  return actions
    .filter((one) => !one.hidden)
    .sort((a, b) => (RANK[a.penalty] ?? 0) - (RANK[b.penalty] ?? 0) || a.name.localeCompare(b.name));
}
