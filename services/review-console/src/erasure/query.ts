/** Erasures of end users: those that were asked for, what became of one, and a new one. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

export type Erasure = Schema["ErasureSummaryView"];
export type Report = Schema["ErasureView"];
export const STATES = ["RUNNING", "COMPLETE"] as const;

/** The address: which are shown, which one is open, or a new one. */
export const Search = z.object({
  state: z.catch(z.optional(z.enum(STATES)), undefined),
  id: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
  new: z.catch(z.optional(z.boolean()), undefined),
});
export type Search = z.infer<typeof Search>;

const PAGE = 50;
const LIVE_MS = 5000;
/** As many as review-api takes at once. */
export const MOST_USERS = 1000;

export function erasuresQuery(state: Search["state"]) {
  return infiniteQueryOptions({
    queryKey: ["erasures", "list", state ?? null],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/erasures", { params: { query: { state, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: ({ state: { data } }) => (data?.pages.some(({ items }) => items.some((one) => one.state === "RUNNING")) ? LIVE_MS : false),
  });
}

export function erasureQuery(id: string) {
  return queryOptions({
    queryKey: ["erasures", "one", id],
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/erasures/{erasure_id}", { params: { path: { erasure_id: id } }, signal })),
    refetchInterval: ({ state: { data } }) => (data?.state === "RUNNING" ? LIVE_MS : false),
  });
}

/** `done`: how many were, so that what became of users since is asked for. */
export function usersQuery(id: string, done: number) {
  return infiniteQueryOptions({
    queryKey: ["erasures", "users", id, done],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/erasures/{erasure_id}/users", { params: { path: { erasure_id: id }, query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** Ids as they are pasted, one a line: each once, in their order. */
export function idsIn(text: string): string[] {
  return [...new Set(text.split("\n").map((one) => one.trim()))].filter((one) => one !== "");
}

export async function erase(typeId: string, ids: readonly string[], reason: string): Promise<Report> {
  const made = await take(api.POST("/v1/erasures", { body: { users: ids.map((id) => ({ typeId, id })), reason: reason.trim() || null } }));
  await queries.invalidateQueries({ queryKey: ["erasures"] });
  return made;
}
