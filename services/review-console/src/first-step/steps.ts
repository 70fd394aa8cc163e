/**
 * How far an organisation is with being set up: each step is told by what there is, not by a mark.
 *
 * Guarantees: what somebody may not see is a step that is not done, and keeps no other one from being told.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";
import { actionsQuery, itemTypesQuery, queuesQuery, rulesQuery } from "@/configuration/query";
import { sampleId } from "@/settings/sample";

export const STEPS = ["type", "action", "key", "item", "route", "decision"] as const;
export type Step = (typeof STEPS)[number];

/** While one waits for a first item, a key's first use or a decision; no event tells of them. */
const LISTENING_MS = 3_000;

export const keysQuery = queryOptions({
  queryKey: ["configuration", "api-keys"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/api-keys", { params: { query }, signal }))),
});

export interface Received {
  readonly id: string;
  readonly typeId: string;
  readonly at: string;
}

/** What a rule looked at last; while there is no rule, the item that the samples send. */
async function receivedOf(types: readonly Schema["ItemTypeView"][], signal: AbortSignal): Promise<Received | null> {
  const [evaluated] = (await take(api.GET("/v1/evaluations", { params: { query: { limit: 1 } }, signal }))).items;
  if (evaluated) return { ...evaluated.item, at: evaluated.time };
  for (const id of new Set(types.map(sampleId))) {
    const { items } = await take(api.GET("/v1/items", { params: { query: { id } }, signal }));
    const sent = items.find(({ typeId }) => types.some((type) => type.id === typeId));
    if (sent) return { id: sent.id, typeId: sent.typeId, at: sent.submittedAt };
  }
  return null;
}

const firstItemQuery = (types: readonly Schema["ItemTypeView"][]) =>
  queryOptions({
    queryKey: ["first-steps", "item", types.map(({ id }) => id)],
    queryFn: ({ signal }) => receivedOf(types, signal),
    refetchInterval: ({ state }) => (state.data ? false : LISTENING_MS),
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
  /** One that came. */
  readonly item: Received | null;
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
  const decision = useQuery({ ...firstDecisionQuery, retry: false });
  const own = (types.data ?? []).filter((one) => !one.isDefaultUserType);
  const item = useQuery({ ...firstItemQuery(own), retry: false });
  const custom = (actions.data ?? []).filter((one) => one.actionType === "CUSTOM_ACTION");
  const living = (keys.data ?? []).filter((one) => one.revokedAt === null);
  const reviewed = (queues.data ?? []).filter(isReviewedIn).length;
  const count = rules.data?.length ?? 0;
  const last = item.data ?? null;
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
