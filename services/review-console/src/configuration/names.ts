/**
 * What configured things are called: actions, policies, queues, rules and item types by their ids.
 *
 * Guarantees: whoever may not see a list, or names something that is gone, gets the shortened id.
 */
import { useQuery } from "@tanstack/react-query";

import type { Schema } from "@/api/client";
import { shortened } from "@/control/id-chip";
import { useSession } from "@/session/session";

import { actionsQuery, itemTypesQuery, policiesQuery, queuesQuery, rulesQuery } from "./query";

export interface Names {
  readonly actions: readonly Schema["ActionView"][];
  readonly policies: readonly Schema["PolicyView"][];
  readonly queues: readonly Schema["QueueView"][];
  readonly rules: readonly Schema["RuleView"][];
  readonly itemTypes: readonly Schema["ItemTypeView"][];
  readonly action: (id: string) => string;
  readonly penalty: (actionId: string) => string | null;
  /** With those above it: `Violence › Threats`. */
  readonly policy: (id: string) => string;
  readonly queue: (id: string) => string;
  readonly rule: (id: string) => string;
  readonly itemType: (id: string) => string;
}

const DEPTH = 8;

export function policyPath(policies: readonly Pick<Schema["PolicyView"], "id" | "name" | "parentId">[], id: string): string {
  const path: string[] = [];
  let at = policies.find((one) => one.id === id);
  while (at && path.length < DEPTH) {
    path.unshift(at.name);
    const parent = at.parentId;
    at = parent ? policies.find((one) => one.id === parent) : undefined;
  }
  return path.length > 0 ? path.join(" › ") : shortened(id);
}

export function useNames(): Names {
  const { permissions } = useSession();
  const seesRules = permissions.includes("VIEW_RULES_DASHBOARD");
  const actions = useQuery({ ...actionsQuery, retry: false }).data ?? [];
  const policies = useQuery({ ...policiesQuery, retry: false }).data ?? [];
  const queues = useQuery({ ...queuesQuery, retry: false, enabled: permissions.includes("VIEW_MRT") }).data ?? [];
  const rules = useQuery({ ...rulesQuery, retry: false, enabled: seesRules }).data ?? [];
  const itemTypes = useQuery({ ...itemTypesQuery, retry: false }).data ?? [];
  const named = (list: readonly { id: string; name: string }[]) => (id: string) => list.find((one) => one.id === id)?.name ?? shortened(id);
  return {
    actions,
    policies,
    queues,
    rules,
    itemTypes,
    action: named(actions),
    penalty: (id) => actions.find((one) => one.id === id)?.penalty ?? null,
    policy: (id) => policyPath(policies, id),
    queue: named(queues),
    rule: named(rules),
    itemType: named(itemTypes),
  };
}
