/** Deliveries of webhooks, and the addresses that they go to. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";

export type Delivery = Schema["DeliveryView"];
export type Endpoint = Schema["EndpointView"];
export const STATES = ["PENDING", "DELIVERED", "DEAD"] as const;

/** The address. */
export const Search = z.object({
  state: z.catch(z.optional(z.enum(STATES)), undefined),
  action: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
});
export type Search = z.infer<typeof Search>;

const PAGE = 50;
const LIVE_MS = 15_000;

export function deliveriesQuery({ state, action }: Search) {
  return infiniteQueryOptions({
    queryKey: ["deliveries", state ?? null, action ?? null],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/deliveries", { params: { query: { state, actionId: action, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    // No event tells of them.
    refetchInterval: LIVE_MS,
  });
}

export function deliveryQuery(id: string) {
  return queryOptions({ queryKey: ["deliveries", "one", id], queryFn: ({ signal }) => take(api.GET("/v1/deliveries/{execution_id}", { params: { path: { execution_id: id } }, signal })), refetchInterval: LIVE_MS });
}

export const endpointsQuery = queryOptions({
  queryKey: ["deliveries", "endpoints"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/endpoints", { params: { query }, signal }))),
  refetchInterval: LIVE_MS,
});
