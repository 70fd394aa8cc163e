/** What is kept and for how long, as the registry has it. */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

export type Stored = Schema["StoredKindView"];
export const PLACES = ["review", "queues", "dispatch", "hashes", "ncmec", "redis", "files", "topics"] as const;
/** Whose data: of end users alone, what an administrator can change, or everything. */
export const VIEWS = ["END_USER", "CHANGEABLE", "ALL"] as const;

export const Search = z.object({
  view: z.catch(z.optional(z.enum(VIEWS)), undefined),
  q: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
});
export type Search = z.infer<typeof Search>;

export const storedQuery = queryOptions({
  queryKey: ["retention"],
  staleTime: Infinity,
  queryFn: async ({ signal }) => (await take(api.GET("/v1/retention", { signal }))).items,
});

export function shownOf(all: readonly Stored[], { view = "END_USER", q = "" }: Search): Stored[] {
  const wanted = q.toLowerCase();
  return all.filter((one) => (view === "ALL" || (view === "CHANGEABLE" ? one.organisation !== null || one.operator !== null : one.about === "END_USER")) && (wanted === "" || `${one.name} ${one.what} ${one.kept} ${one.operator ?? ""} ${one.organisation ?? ""}`.toLowerCase().includes(wanted)));
}
