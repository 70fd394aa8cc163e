/**
 * What an organisation configured: whole lists, kept in memory, fetched anew when the stream says that
 * configuration changed. Lists are read page by page (200 documents) to their end.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take } from "@/api/client";

const PAGE = 200;

interface Paged<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string | null;
}

/** Every document of a list. */
export async function whole<T>(page: (query: { limit: number; cursor?: string }) => Promise<Paged<T>>): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await page({ limit: PAGE, cursor });
    found.push(...items);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const KEPT = { staleTime: 5 * 60_000, gcTime: Infinity } as const;

export const queuesQuery = queryOptions({
  queryKey: ["configuration", "queues"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/queues", { params: { query }, signal }))),
});

export const policiesQuery = queryOptions({
  queryKey: ["configuration", "policies"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/policies", { params: { query }, signal }))),
});

export const actionsQuery = queryOptions({
  queryKey: ["configuration", "actions"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/actions", { params: { query }, signal }))),
});

export const itemTypesQuery = queryOptions({
  queryKey: ["configuration", "item-types"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/item-types", { params: { query }, signal }))),
});

export const rulesQuery = queryOptions({
  queryKey: ["configuration", "rules"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/rules", { params: { query }, signal }))),
});

export const peopleQuery = queryOptions({
  queryKey: ["configuration", "people"],
  ...KEPT,
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/people", { params: { query }, signal }))),
});
