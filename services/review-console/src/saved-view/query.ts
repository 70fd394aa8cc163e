/**
 * Views of a page: its filters under a name, for oneself (a document of the account) or for everybody.
 *
 * Guarantees: a view of everybody's that changed meanwhile is never written over unseen (If-Match);
 * what cannot be read as a view is left out, and kept as it is.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { whole } from "@/configuration/query";

const KEY = "savedViews";

const Own = z.object({ id: z.string(), name: z.string(), value: z.unknown() });
const Kept = z.record(z.string(), z.array(Own));

export interface View {
  readonly id: string;
  readonly name: string;
  readonly value: unknown;
  /** Null: of one's own. */
  readonly shared: Schema["SharedView"] | null;
}

export const sharedQuery = (page: string) =>
  queryOptions({
    queryKey: ["views", "shared", page],
    staleTime: 60_000,
    queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/views", { params: { query: { ...query, page } }, signal }))),
  });

/** All pages' at once: they are one document. */
export const ownQuery = queryOptions({
  queryKey: ["views", "own"],
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    // All of them: one that was never kept would be a 404.
    const { items } = await take(api.GET("/v1/me/preferences", { signal }));
    const found = items.find((one) => one.key === KEY);
    return { kept: z.catch(Kept, {}).parse(found?.value ?? {}), revision: found?.revision ?? 0 };
  },
});

/** Of a page, one's own first. */
export function viewsOf(page: string, own: z.infer<typeof Kept> | undefined, shared: readonly Schema["SharedView"][] | undefined): View[] {
  const mine = (own?.[page] ?? []).map(({ id, name, value }): View => ({ id, name, value, shared: null }));
  return [...mine, ...(shared ?? []).map((one): View => ({ id: one.id, name: one.name, value: one.value, shared: one }))];
}

const TRIES = 3;

/** Another tab may have written in between: then it is read again, and changed again. */
export async function changeOwn(page: string, change: (views: readonly z.infer<typeof Own>[]) => z.infer<typeof Own>[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { items } = await take(api.GET("/v1/me/preferences"));
    const found = items.find((one) => one.key === KEY);
    const kept = z.catch(Kept, {}).parse(found?.value ?? {});
    const value = { ...kept, [page]: change(kept[page] ?? []) } as never;
    try {
      await take(api.PUT("/v1/me/preferences/{key}", { params: { path: { key: KEY }, header: { "If-Match": `"${found?.revision ?? 0}"` } }, body: { value } }));
      return;
    } catch (error) {
      if (asProblem(error)?.status !== 412 || attempt === TRIES) throw error;
    }
  }
}

/** `revision` 0: a new one. Rejects with 412 where somebody changed it since. */
export function putShared(page: string, id: string, name: string, value: unknown, revision: number): Promise<Schema["SharedView"]> {
  return take(api.PUT("/v1/views/{view_id}", { params: { path: { view_id: id }, header: { "If-Match": `"${revision}"` } }, body: { page, name, value: value as never } }));
}

export function readShared(id: string): Promise<Schema["SharedView"]> {
  return take(api.GET("/v1/views/{view_id}", { params: { path: { view_id: id } } }));
}

export function removeShared(id: string, revision: number): Promise<unknown> {
  return take(api.DELETE("/v1/views/{view_id}", { params: { path: { view_id: id }, header: { "If-Match": `"${revision}"` } } }));
}

/** Whether two views show the same, whatever the order of their filters. */
export function same(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}
