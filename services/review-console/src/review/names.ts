/** How queues, policies and actions are called, beside their ids. */
import { useQuery } from "@tanstack/react-query";

import type { Schema } from "@/api/client";
import { actionsQuery, policiesQuery, queuesQuery } from "@/configuration/query";

import type { Context } from "./context";

export type Policy = Schema["PolicyView"];
export type Action = Schema["ActionView"];

export interface Names {
  readonly queue: (id: string) => string;
  readonly policy: (id: string) => string;
  readonly action: (id: string) => string;
  readonly policies: readonly Policy[];
  readonly actions: readonly Action[];
  readonly queues: readonly { id: string; name: string }[];
}

export function useNames(context: Context): Names {
  const queues = useQuery({ ...queuesQuery, retry: false }).data ?? [];
  const policies = useQuery({ ...policiesQuery, retry: false }).data ?? [];
  const actions = useQuery({ ...actionsQuery, retry: false }).data ?? [];
  const nameIn = (lists: readonly (readonly { id: string; name: string }[])[], id: string) => lists.flatMap((list) => list.filter((one) => one.id === id))[0]?.name ?? id.slice(0, 8);
  return {
    queue: (id) => nameIn([queues, context.offers?.moveTo ?? []], id),
    policy: (id) => nameIn([policies], id),
    action: (id) => nameIn([context.offers?.actions ?? [], actions], id),
    policies,
    actions,
    queues,
  };
}
