/**
 * The jobs of a queue as a list, in an order that the server knows; and those that are alike.
 *
 * Guarantees: a list stays as it is while somebody works on it; it is read again when its page is come
 * back to, and after many were decided.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

import { MOST } from "./batch";

export type Listed = Schema["ListedJobView"];
export type Group = Schema["JobGroupView"];

export const ORDERS = ["handout", "deadline", "severity", "age"] as const;
export const ALIKE = ["AUTHOR", "RULE", "HASH", "TEXT"] as const;
const PAGE = 50;

/** The address. `by`: what is alike, instead of the list of jobs. */
export const Search = z.object({
  sort: z.catch(z.optional(z.enum(ORDERS)), undefined),
  newest: z.catch(z.optional(z.boolean()), undefined),
  by: z.catch(z.optional(z.enum(ALIKE)), undefined),
});
export type Search = z.infer<typeof Search>;

export function jobsOf(queueId: string, { sort = "handout", newest = false }: Search) {
  return infiniteQueryOptions({
    queryKey: ["queue-list", queueId, sort, newest],
    queryFn: ({ pageParam, signal }) =>
      take(
        api.GET("/v1/jobs", {
          params: { query: { queueId, state: "PENDING", sort, newestFirst: sort === "age" && newest, include: "preview", count: pageParam === undefined, limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: 30_000,
  });
}

/** All that wait in it, in that order, up to as many as are decided at once. */
export async function allOf(queueId: string, { sort = "handout", newest = false }: Search): Promise<{ jobs: readonly Listed[]; isCut: boolean }> {
  const query = { queueId, state: "PENDING", sort, newestFirst: sort === "age" && newest, include: "preview", limit: MOST } as const;
  const page = await take(api.GET("/v1/jobs", { params: { query } }));
  return { jobs: page.items, isCut: page.nextCursor !== null };
}

export function groupsOf(queueId: string, by: (typeof ALIKE)[number]) {
  return queryOptions({
    queryKey: ["queue-list", "groups", queueId, by],
    queryFn: ({ signal }) => take(api.GET("/v1/job-groups", { params: { query: { queueId, by } }, signal })),
  });
}
