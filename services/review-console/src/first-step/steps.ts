/**
 * How far an organisation is with being set up: each step is told by what there is, not by a mark.
 *
 * Guarantees: what somebody may not see is a step that is not done, and keeps no other one from being told.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";
import { actionsQuery, itemTypesQuery, queuesQuery, rulesQuery } from "@/configuration/query";

export const STEPS = ["type", "action", "key", "item", "route", "decision"] as const;
export type Step = (typeof STEPS)[number];

/** While one waits for a first item, a key's first use or a decision; no event tells of them. */
const LISTENING_MS = 3_000;

export const keysQuery = queryOptions({
  queryKey: ["configuration", "api-keys"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/api-keys", { params: { query }, signal }))),
});

const firstItemQuery = queryOptions({
  queryKey: ["first-steps", "item"],
  queryFn: ({ signal }) => take(api.GET("/v1/evaluations", { params: { query: { limit: 1 } }, signal })),
  refetchInterval: ({ state }) => (state.data && state.data.items.length > 0 ? false : LISTENING_MS),
});

const firstDecisionQuery = queryOptions({
  queryKey: ["first-steps", "decision"],
  queryFn: ({ signal }) => take(api.GET("/v1/decision-log", { params: { query: { kind: ["DECISION"], limit: 1 } }, signal })),
  refetchInterval: ({ state }) => (state.data && state.data.items.length > 0 ? false : LISTENING_MS),
});

export interface Standing {
  readonly done: Readonly<Record<Step, boolean>>;
  readonly isComing: boolean;
  readonly error: unknown;
  readonly types: readonly Schema["ItemTypeView"][];
  readonly actions: readonly Schema["ActionView"][];
  readonly keys: readonly Schema["ApiKeyView"][];
  readonly rules: number;
  readonly queues: number;
  /** The item that came last. */
  readonly item: Schema["EvaluationView"] | null;
}

export function isReviewedIn({ openToEveryone, reviewerIds, reviewerRoles }: Pick<Schema["QueueView"], "openToEveryone" | "reviewerIds" | "reviewerRoles">): boolean {
  return (openToEveryone ?? false) || (reviewerIds ?? []).length > 0 || (reviewerRoles ?? []).length > 0;
}

export function useStanding(): Standing {
  const types = useQuery(itemTypesQuery);
  const actions = useQuery(actionsQuery);
  const keys = useQuery({ ...keysQuery, retry: false });
  const rules = useQuery({ ...rulesQuery, retry: false });
  const queues = useQuery({ ...queuesQuery, retry: false });
  const item = useQuery({ ...firstItemQuery, retry: false });
  const decision = useQuery({ ...firstDecisionQuery, retry: false });
  const own = (types.data ?? []).filter((one) => !one.isDefaultUserType);
  const custom = (actions.data ?? []).filter((one) => one.actionType === "CUSTOM_ACTION");
  const living = (keys.data ?? []).filter((one) => one.revokedAt === null);
  const reviewed = (queues.data ?? []).filter(isReviewedIn).length;
  const count = rules.data?.length ?? 0;
  const last = item.data?.items[0] ?? null;
  return {
    done: { type: own.length > 0, action: custom.length > 0, key: living.length > 0, item: last !== null, route: count > 0 || reviewed > 0, decision: (decision.data?.items.length ?? 0) > 0 },
    isComing: [types, actions, keys, rules, queues, item, decision].some((one) => one.isLoading),
    error: types.error ?? actions.error,
    types: own,
    actions: custom,
    keys: living,
    rules: count,
    queues: reviewed,
    item: last,
  };
}
