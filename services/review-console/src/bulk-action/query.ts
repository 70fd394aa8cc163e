/** Bulk actions: those there are, one with its items, and a new one. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

export type Bulk = Schema["BulkActionView"];
export type Preview = Schema["PreviewView"];
export const ITEM_STATES = ["REQUESTED", "REFUSED", "WAITING"] as const;
export const COMMANDS = { RUNNING: ["pause", "cancel"], PAUSED: ["resume", "cancel"], PREVIEW: ["cancel"], CANCELLED: [], COMPLETE: [] } as const;

/** The address: which one is open, or a new one, and which of its items are shown. */
export const Search = z.object({
  id: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
  new: z.catch(z.optional(z.boolean()), undefined),
  items: z.catch(z.optional(z.enum(ITEM_STATES)), undefined),
});
export type Search = z.infer<typeof Search>;

const PAGE = 50;
const LIVE_MS = 2000;

export const bulksQuery = infiniteQueryOptions({
  queryKey: ["bulk-actions"],
  queryFn: ({ pageParam, signal }) => take(api.GET("/v1/bulk-actions", { params: { query: { limit: PAGE, cursor: pageParam } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: ({ state }) => (state.data?.pages.some(({ items }) => items.some((one) => one.state === "RUNNING")) ? LIVE_MS : false),
});

export function bulkQuery(id: string) {
  return queryOptions({
    queryKey: ["bulk-actions", "one", id],
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/bulk-actions/{bulk_id}", { params: { path: { bulk_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === "RUNNING" ? LIVE_MS : false),
  });
}

/** `at`: how far it was, so that what became of items since is asked for. */
export function itemsQuery(id: string, state: Search["items"], at: string) {
  return infiniteQueryOptions({
    queryKey: ["bulk-actions", "items", id, state ?? null, at],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/bulk-actions/{bulk_id}/items", { params: { path: { bulk_id: id }, query: { state, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    // What is on its way is through in a moment, and no event tells of it.
    refetchInterval: ({ state: { data } }) => (data?.pages.some(({ items }) => items.some((one) => one.deliveries.includes("PENDING"))) ? LIVE_MS : false),
  });
}

export function steer(id: string, command: "pause" | "resume" | "cancel"): Promise<Bulk> {
  return take(api.POST("/v1/bulk-actions/{bulk_id}/{command}", { params: { path: { bulk_id: id, command } } }));
}

export function confirm(id: string, total: number): Promise<Bulk> {
  return take(api.POST("/v1/bulk-actions/{bulk_id}/confirm", { params: { path: { bulk_id: id } }, body: { total } }));
}

export interface Order {
  readonly itemTypeId: string;
  readonly actionIds: string[];
  readonly policyIds: string[];
  readonly parameters: Record<string, Record<string, Schema["JsonValue"]>>;
  readonly ids: string;
  readonly note: string;
}

/** Nothing happens yet. */
export function order({ ids, note, ...rest }: Order): Promise<Preview> {
  return take(api.POST("/v1/bulk-actions", { body: { ...rest, csv: ids, note: note.trim() || null } }));
}
