/**
 * What configured things are called: actions, policies, queues, rules and item types by their ids.
 *
 * Guarantees: whoever may not see a list, or names something that is gone, gets the shortened id; while
 * a list is on its way there is a gap of some width, and never an id that becomes a name.
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

/** In place of a name that is not there yet: figure spaces, so that little moves when it comes. */
export const UNKNOWN_YET = "\u2007".repeat(8);

/** Names that came with what is shown: whoever may not see a list has them from there. */
export interface Known {
  readonly actions?: readonly { readonly id: string; readonly name: string; readonly penalty: string }[];
  readonly queues?: readonly { readonly id: string; readonly name: string }[];
}

const NONE: Known = {};
/** One and the same, so that what is made of a list is made anew only with it. */
const NOTHING: never[] = [];

export function useNames(known: Known = NONE): Names {
  const { permissions } = useSession();
  const actions = listOf(useQuery({ ...actionsQuery, retry: false }));
  const policies = listOf(useQuery({ ...policiesQuery, retry: false }));
  const queues = listOf(useQuery({ ...queuesQuery, retry: false, enabled: permissions.includes("VIEW_MRT") }));
  const rules = listOf(useQuery({ ...rulesQuery, retry: false, enabled: permissions.includes("VIEW_RULES_DASHBOARD") }));
  const itemTypes = listOf(useQuery({ ...itemTypesQuery, retry: false }));
  return {
    actions: actions.list,
    policies: policies.list,
    queues: queues.list,
    rules: rules.list,
    itemTypes: itemTypes.list,
    action: named(actions, known.actions),
    penalty: (id) => (actions.list.find((one) => one.id === id) ?? known.actions?.find((one) => one.id === id))?.penalty ?? null,
    policy: (id) => (policies.isComing ? UNKNOWN_YET : policyPath(policies.list, id)),
    queue: named(queues, known.queues),
    rule: named(rules),
    itemType: named(itemTypes),
  };
}

interface Listed<T> {
  readonly list: readonly T[];
  /** Asked for, and not there yet. */
  readonly isComing: boolean;
}

function listOf<T>({ data, isLoading }: { data: readonly T[] | undefined; isLoading: boolean }): Listed<T> {
  return { list: data ?? NOTHING, isComing: isLoading };
}

function named({ list, isComing }: Listed<{ id: string; name: string }>, others: readonly { id: string; name: string }[] = []) {
  return (id: string) => (list.find((one) => one.id === id) ?? others.find((one) => one.id === id))?.name ?? (isComing ? UNKNOWN_YET : shortened(id));
}
