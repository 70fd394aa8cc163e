/**
 * Routing rules: the two lists (of reports, of appeals), their order, and one as its form has it.
 *
 * Guarantees: an order is sent over the newest revision that was seen of any rule in it (`If-Match`);
 * what a form does not show of a rule is sent back as it was.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";
import { ifMatch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./words";

export type RoutingRule = Schema["RoutingRuleView"];
export type ConditionSet = Schema["ConditionSet"];
export type Trial = Schema["RoutingTestView"];
const say = sayer(words);

export const SOURCES = ["REPORT", "RULE_EXECUTION", "POST_ACTIONS", "MRT_JOB", "APPEAL", "BULK_ACTION", "STRIKE_THRESHOLD", "RETROACTION", "REVERSAL"] as const;

/** What `Source` is compared with, by what sent an item (docs/rules.md): two of them say the same. */
export const SOURCE_INPUTS = {
  REPORT: "submit-report",
  RULE_EXECUTION: "post-items",
  POST_ACTIONS: "post-actions",
  MRT_JOB: "mrt-decision",
  APPEAL: "submit-appeal",
  BULK_ACTION: "manual-action-run",
  STRIKE_THRESHOLD: "user-strike-action-execution",
  RETROACTION: "retroaction",
} as const satisfies Partial<Record<(typeof SOURCES)[number], string>>;

export const routingQuery = queryOptions({
  queryKey: ["configuration", "routing-rules"],
  staleTime: 5 * 60_000,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/routing-rules", { params: { query }, signal }))),
});

/** Those of one list, in the order in which they are tried. */
export function classOf(rules: readonly RoutingRule[], forAppeals: boolean): RoutingRule[] {
  return rules.filter((rule) => (rule.forAppeals ?? false) === forAppeals).sort((a, b) => a.sequenceNumber - b.sequenceNumber || (a.id < b.id ? -1 : 1));
}

/**
 * The rules in an order that was made of them as they were: what is gone is left out, and what came
 * since stands after the rule that it is tried after.
 */
export function inOrder(rules: readonly RoutingRule[], order: readonly string[]): RoutingRule[] {
  const known = new Map(rules.map((rule) => [rule.id, rule]));
  const found = order.flatMap((id) => known.get(id) ?? []);
  for (const [at, rule] of rules.entries()) {
    if (order.includes(rule.id)) continue;
    const before = rules[at - 1];
    found.splice(before ? found.indexOf(before) + 1 : 0, 0, rule);
  }
  return found;
}

/** With the one at `from` at the place `to`. */
export function movedTo<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  const [one] = next.splice(from, 1);
  if (one !== undefined) next.splice(Math.max(0, Math.min(next.length, to)), 0, one);
  return next;
}

/** `seen`: the rules as whoever ordered them saw them. */
export function saveOrder(seen: readonly RoutingRule[], order: readonly RoutingRule[], forAppeals: boolean) {
  const newest = Math.max(0, ...seen.map((rule) => rule.revision));
  return take(api.PUT("/v1/routing-rules/order", { params: { header: ifMatch(newest) }, body: { forAppeals, ruleIds: order.map((rule) => rule.id) } }));
}

/** Whether something has the shape of a condition set, as far down as it goes. */
export function isConditionSet(value: unknown): value is ConditionSet {
  if (typeof value !== "object" || value === null) return false;
  const { conjunction, conditions } = value as { conjunction?: unknown; conditions?: unknown };
  if (typeof conjunction !== "string" || !Array.isArray(conditions)) return false;
  return conditions.every((one: unknown) => (typeof one === "object" && one !== null && "conditions" in one ? isConditionSet(one) : typeof one === "object" && one !== null && "input" in one));
}

/** The condition with what ids stand for in their place, for sentences: nobody reads ids. */
export function named(set: ConditionSet, called: (id: string) => string | null): ConditionSet {
  const value = <T,>(one: T): T => (typeof one === "string" ? ((called(one) ?? one) as T & string) : one);
  return {
    ...set,
    conditions: set.conditions.map((one) => {
      if ("conditions" in one) return named(one, called);
      const { threshold, matchingValues } = one;
      return {
        ...one,
        threshold: Array.isArray(threshold) ? threshold.map(value) : value(threshold),
        matchingValues: matchingValues?.strings ? { ...matchingValues, strings: matchingValues.strings.map(value) } : matchingValues,
      };
    }),
  };
}

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  status: z.enum(["LIVE", "DRAFT"]),
  forAppeals: z.boolean(),
  itemTypeIds: z.array(z.string()).check(z.refine((ids) => ids.length > 0, { error: () => say("typesNeeded") })),
  destinationQueueId: z.nullable(z.string()).check(z.refine((id) => id !== null, { error: () => say("queueNeeded") })),
  conditionSet: z.custom<ConditionSet | null>(isConditionSet, { error: () => say("conditionNot") }),
});
export type Values = z.infer<typeof Values>;

/** `forAppeals`: of a new one, the list that it was made from. */
export function valuesOf(rule: RoutingRule | null, forAppeals = false): Values {
  return {
    name: rule?.name ?? "",
    description: rule?.description ?? "",
    status: rule?.status ?? (rule ? "LIVE" : "DRAFT"),
    forAppeals: rule ? (rule.forAppeals ?? false) : forAppeals,
    itemTypeIds: rule?.itemTypeIds ?? [],
    destinationQueueId: rule?.destinationQueueId ?? null,
    conditionSet: rule?.conditionSet ?? null,
  };
}

export function bodyOf(values: Values, base: RoutingRule | null): Schema["RoutingRuleBody"] {
  const { conditionSet, destinationQueueId } = values;
  if (conditionSet === null || destinationQueueId === null) throw new Error("checked before it is sent");
  // In the other list it goes to the end.
  const isThere = base !== null && (base.forAppeals ?? false) === values.forAppeals;
  return { ...values, name: values.name.trim(), conditionSet, destinationQueueId, sequenceNumber: isThere ? base.sequenceNumber : null };
}

export function read(id: string): Promise<RoutingRule> {
  return take(api.GET("/v1/routing-rules/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function ruleQuery(id: string) {
  return queryOptions({ queryKey: ["configuration", "routing-rule", id], queryFn: () => read(id) });
}

export function save(values: Values, base: RoutingRule | null): Promise<RoutingRule> {
  const body = bodyOf(values, base);
  if (base === null) return take(api.POST("/v1/routing-rules", { body }));
  return take(api.PUT("/v1/routing-rules/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}
