/**
 * Lists of configuration documents as their pages ask for them: page by page, searched and sorted by
 * the server, each with what uses it.
 */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import type { Schema } from "@/api/client";

/** What every document tells of itself beside what it says. */
export interface Told {
  readonly id: string;
  readonly revision: number;
  readonly updatedAt: string;
  readonly updatedByPerson?: Schema["PersonView"] | null;
  readonly usedBy?: readonly Schema["UsedByView"][] | null;
  readonly usedByCount?: number | null;
}

/** The address of a list. Of each order the server knows one direction. */
export const ListSearch = z.object({
  q: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
  sort: z.catch(z.optional(z.enum(["name", "updated", "created"])), undefined),
});
export type ListSearch = z.infer<typeof ListSearch>;

interface Page<D> {
  readonly items: readonly D[];
  readonly nextCursor?: string | null;
}
export interface ListAsked {
  readonly q?: string;
  readonly sort: "name" | "updated" | "created";
  readonly include: "usage";
  readonly limit: number;
  readonly cursor?: string;
}

const PAGE = 50;

/** `kind` is the path's last part, as `item-types`. Renewed when the stream says `config`. */
export function listQuery<D>(kind: string, { q, sort = "name" }: ListSearch, page: (query: ListAsked, signal: AbortSignal) => Promise<Page<D>>) {
  return infiniteQueryOptions({
    queryKey: ["configuration", "list", kind, q ?? null, sort],
    queryFn: ({ pageParam, signal }) => page({ q, sort, include: "usage", limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor ?? undefined,
    staleTime: 30_000,
  });
}

/** The header by which a change is refused that would be over somebody else's. */
export function ifMatch(revision: number): { "If-Match": string } {
  return { "If-Match": `"${revision}"` };
}
