/** Reports to NCMEC: the list, one with its calls, its documents, and who looked. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

export const PROGRESS = ["OPEN", "NEEDS_ATTENTION", "FILED"] as const;

/** The address of the list. */
export const Search = z.object({
  progress: z.catch(z.optional(z.enum(PROGRESS)), undefined),
  due: z.catch(z.optional(z.literal(true)), undefined),
});
export type Search = z.infer<typeof Search>;

export type Tip = Schema["CybertipView"];
export type Details = Schema["CybertipDetailsView"];
export type Look = Schema["EvidenceLookView"];

const PAGE = 50;
const SOON_MS = 5_000;

export function tipsQuery({ progress, due }: Search) {
  return infiniteQueryOptions({
    queryKey: ["cybertips", progress ?? null, due ?? null],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/cybertips", { params: { query: { limit: PAGE, cursor: pageParam, progress, due } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Schema["CybertipPageView"]) => last.nextCursor,
  });
}

/** Asked for again while something is on its way. */
export function tipQuery(id: string) {
  return queryOptions({
    queryKey: ["cybertip", id],
    queryFn: ({ signal }): Promise<Details> => take(api.GET("/v1/cybertips/{cybertip_id}", { params: { path: { cybertip_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isOnItsWay(state.data.cybertip) ? SOON_MS : false),
    refetchOnWindowFocus: false,
  });
}

export function documentQuery(id: string, what: "document" | "receipt") {
  return queryOptions({
    queryKey: ["cybertip", id, what],
    queryFn: ({ signal }) => take(api.GET("/v1/cybertips/{cybertip_id}/documents/{what}", { params: { path: { cybertip_id: id, what } }, signal })),
    // Reading it is logged: once for each time that somebody opens it.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
}

export function looksQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: ["cybertip-looks", id],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/cybertips/{cybertip_id}/looks", { params: { path: { cybertip_id: id }, query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Schema["EvidenceLookPage"]) => last.nextCursor,
    refetchOnWindowFocus: false,
  });
}

export function isOnItsWay(tip: Tip): boolean {
  return tip.state !== "DONE" && tip.state !== "NEEDS_ATTENTION";
}
