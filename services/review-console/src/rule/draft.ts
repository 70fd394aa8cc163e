/**
 * A rule as its form has it, and as review-api takes it.
 *
 * Guarantees: a number that was left empty is no bound; parameters of an action that the rule has no
 * more are left out.
 */
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { rooted } from "@/condition/edit";
import type { ConditionSet } from "@/condition/sentence";
import { ifMatch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./builder-words";
import type { Rule, Status } from "./query";

type Json = Schema["JsonValue"];
const say = sayer(words);
const bound = z.union([z.number(), z.literal("")]);

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  status: z.enum(["DRAFT", "BACKGROUND", "LIVE", "DEPRECATED", "ARCHIVED"]),
  itemTypeIds: z.array(z.string()),
  conditionSet: z.custom<ConditionSet>((value) => typeof value === "object"),
  actionIds: z.array(z.string()),
  actionParameters: z.custom<Record<string, Record<string, Json>>>((value) => typeof value === "object"),
  policyIds: z.array(z.string()),
  tags: z.array(z.string()),
  maxDailyActions: bound,
  maxActionsPerMinute: bound,
  maxUsersPerHour: bound,
  expirationTime: z.nullable(z.string()),
});
export type Values = z.infer<typeof Values>;
export const PATHS = Object.keys(Values.def.shape);

export function valuesOf(rule: Rule | null): Values {
  return {
    name: rule?.name ?? "",
    description: rule?.description ?? "",
    status: rule?.status ?? "DRAFT",
    itemTypeIds: rule?.itemTypeIds ?? [],
    conditionSet: rooted(rule?.conditionSet ?? { conjunction: "AND", conditions: [] }),
    actionIds: rule?.actionIds ?? [],
    actionParameters: (rule?.actionParameters ?? {}) as Values["actionParameters"],
    policyIds: rule?.policyIds ?? [],
    tags: rule?.tags ?? [],
    maxDailyActions: rule?.maxDailyActions ?? "",
    maxActionsPerMinute: rule?.maxActionsPerMinute ?? "",
    maxUsersPerHour: rule?.maxUsersPerHour ?? "",
    expirationTime: rule?.expirationTime ?? null,
  };
}

export function bodyOf(values: Values): Schema["RuleBody"] {
  const number = (value: number | "") => (value === "" ? null : value);
  return {
    ...values,
    name: values.name.trim(),
    description: values.description.trim(),
    actionParameters: Object.fromEntries(Object.entries(values.actionParameters).filter(([id]) => values.actionIds.includes(id))),
    maxDailyActions: number(values.maxDailyActions),
    maxActionsPerMinute: number(values.maxActionsPerMinute),
    maxUsersPerHour: number(values.maxUsersPerHour),
  } as Schema["RuleBody"];
}

/** As a new one: never live from the first moment. */
export function copyOf(rule: Rule): Values {
  return { ...valuesOf(rule), name: say("copyOf", { name: rule.name }), status: "DRAFT" };
}

export function read(id: string): Promise<Rule> {
  return take(api.GET("/v1/rules/{document_id}", { params: { path: { document_id: id } } }));
}

export function save(values: Values, base: Rule | null): Promise<Rule> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/rules", { body }));
  return take(api.PUT("/v1/rules/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

/** What a form may save as; going live is asked for on the rule's page. */
export function statusesFrom(now: Status): Status[] {
  return now === "LIVE" ? ["LIVE", "BACKGROUND"] : now === "DEPRECATED" || now === "ARCHIVED" ? [now, "DRAFT", "BACKGROUND"] : ["DRAFT", "BACKGROUND"];
}

