/** What of a rule is compared, in the words of its page. */
import type { Names } from "@/configuration/names";
import type { Say } from "@/words/words";

import type { Rule } from "./query";
import type { words } from "./words";

/** What a person changes; the rest is of the document's own keeping. */
export const FIELDS = ["name", "status", "conditionSet", "actionIds", "policyIds", "itemTypeIds", "description", "tags", "maxDailyActions", "maxActionsPerMinute", "maxUsersPerHour", "expirationTime", "actionParameters"] as const;
export type Field = (typeof FIELDS)[number];

type Key = Extract<keyof typeof words.messages, string>;

/** Two that read the same differ in what is written out at length only. */
export function comparable(rule: Rule, asks: (rule: Rule) => string, say: Say<Key>): Record<string, unknown> {
  return { ...Object.fromEntries(FIELDS.map((field) => [field, rule[field] ?? null])), conditionSet: asks(rule), status: say(rule.status) };
}

/** What the ids in a field are called. */
export function fieldValued(names: Names): (field: string, value: string) => string {
  return (field, value) => ({ actionIds: names.action, policyIds: names.policy, itemTypeIds: names.itemType })[field as "actionIds"]?.(value) ?? value;
}
