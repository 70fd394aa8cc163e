/** The audit log as its page asks for it: the newest first, filtered by the server. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

export type Entry = Schema["AuditEntry"];
const text = z.catch(z.optional(z.string().check(z.minLength(1))), undefined);
const day = z.catch(z.optional(z.iso.date()), undefined);

/** The address. `since` and `until` are days of the viewer, both within. */
export const Search = z.object({ who: text, action: text, kind: text, id: text, since: day, until: day });
export type Search = z.infer<typeof Search>;

const PAGE = 50;

/** A day of this machine as the moments that it begins and ends with. */
export function momentsOf({ since, until }: Pick<Search, "since" | "until">): { since?: string; until?: string } {
  const begin = (one: string, later: number) => {
    const at = new Date(`${one}T00:00:00`);
    at.setDate(at.getDate() + later);
    return at.toISOString();
  };
  return { ...(since ? { since: begin(since, 0) } : {}), ...(until ? { until: begin(until, 1) } : {}) };
}

export function auditQuery(search: Search) {
  const { who, action, kind, id } = search;
  return infiniteQueryOptions({
    queryKey: ["audit", search],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/audit-log", { params: { query: { actor: who, action, targetKind: kind, targetId: id, ...momentsOf(search), limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}
