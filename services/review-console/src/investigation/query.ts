/** What is asked for while investigating: a subject by its type and id, and what leads to one. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";

export type Investigation = Schema["InvestigationView"];
export type Item = Schema["ItemVersionView"];
export type Listed = Schema["ListedItemView"];
export type Ref = Schema["ItemRefView"];

const one = z.catch(z.optional(z.coerce.string().check(z.minLength(1), z.maxLength(512))), undefined);

export const TABS = ["items", "answers", "jobs", "versions"] as const;

/** The address: what was searched for, or what is looked at; which of its lists, and which row of it. */
export const Search = z.object({ q: one, type: one, id: one, tab: z.catch(z.optional(z.enum(TABS)), undefined), row: one });
export type Search = z.infer<typeof Search>;

export const investigationQuery = ({ typeId, id }: Ref) =>
  queryOptions({
    queryKey: ["investigation", typeId, id],
    queryFn: ({ signal }) => take(api.GET("/v1/items/{type_id}/{item_id}/investigation", { params: { path: { type_id: typeId, item_id: id } }, signal })),
  });

export const itemsOf = (user: Ref) =>
  infiniteQueryOptions({
    queryKey: ["user-items", user.typeId, user.id],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/users/{type_id}/{user_id}/items", { params: { path: { type_id: user.typeId, user_id: user.id }, query: { limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

export const versionsOf = (item: Ref) =>
  infiniteQueryOptions({
    queryKey: ["item-versions", item.typeId, item.id],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/items/{type_id}/{item_id}/versions", { params: { path: { type_id: item.typeId, item_id: item.id }, query: { limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

export const conversationOf = (item: Ref) =>
  queryOptions({
    queryKey: ["conversation", item.typeId, item.id],
    staleTime: 60_000,
    queryFn: ({ signal }) => take(api.GET("/v1/items/{type_id}/{item_id}/conversation", { params: { path: { type_id: item.typeId, item_id: item.id }, query: { before: 10, after: 10 } }, signal })),
  });

export const childrenOf = (item: Ref) =>
  infiniteQueryOptions({
    queryKey: ["item-children", item.typeId, item.id],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/items/{type_id}/{item_id}/children", { params: { path: { type_id: item.typeId, item_id: item.id }, query: { limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

export const notesOf = (user: Ref) =>
  infiniteQueryOptions({
    queryKey: ["notes", user.typeId, user.id],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/users/{type_id}/{user_id}/notes", { params: { path: { type_id: user.typeId, user_id: user.id }, query: { limit: 20, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

const MOST_AT_ONCE = 1000;

/** The keys of everything that an account sent, as many as are acted on at once. */
export async function keysOfAll(user: Ref): Promise<{ ids: readonly string[]; isCut: boolean }> {
  const met = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await take(api.GET("/v1/users/{type_id}/{user_id}/items", { params: { path: { type_id: user.typeId, user_id: user.id }, query: { limit: 200, cursor } } }));
    for (const item of page.items) if (met.size < MOST_AT_ONCE) met.add(keyOf(item));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && met.size < MOST_AT_ONCE);
  return { ids: [...met], isCut: cursor !== undefined };
}

/** An address as people write them: four numbers, or hexadecimal groups. */
export function isAddress(text: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(text) || (text.includes(":") && /^[0-9a-f:.]{3,45}$/i.test(text));
}

/** Of a link what names something in it: the last part of its path; of anything else itself. */
export function wordOf(typed: string): string {
  const text = typed.trim();
  if (!/^https?:\/\//i.test(text)) return text;
  try {
    const parts = new URL(text).pathname.split("/").filter(Boolean);
    return decodeURIComponent(parts.at(-1) ?? text);
  } catch {
    return text;
  }
}

type FindQuery = { id: string } | { ip: string } | { text: string };

export const foundBy = (query: FindQuery) =>
  queryOptions({
    queryKey: ["found-items", query],
    staleTime: 30_000,
    retry: false,
    queryFn: async ({ signal }) => (await take(api.GET("/v1/items", { params: { query: { ...query, limit: 50 } }, signal }))).items,
  });

export function keyOf(item: { id: string; typeId: string }): string {
  return `${item.typeId}/${item.id}`;
}

/** The latest of each, in the order given. */
export function latest<T extends { id: string; typeId: string }>(items: readonly T[]): T[] {
  const met = new Set<string>();
  return items.filter((item) => !met.has(keyOf(item)) && met.add(keyOf(item)));
}
