/**
 * A job with everything around it, in one request; and how its parts are called.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { FIRST } from "@/api/quiet";
import { useNames, type Names } from "@/configuration/names";

/** `isBlind`: of a second review, which is no job: nothing can be asked of it by its id. */
export type Context = Schema["JobContextView"] & { readonly isBlind?: true };
export type Item = Schema["ContextItemView"];
export type ItemType = Schema["ContextTypeView"];
export type Field = Schema["FieldFields"];
export type Reporter = Schema["ReporterView"];
export type Entry = Schema["JobEntry"];

export function contextQuery(jobId: string) {
  return queryOptions({
    queryKey: ["job", jobId, "context"],
    queryFn: ({ signal }): Promise<Context> => take(api.GET("/v1/jobs/{job_id}/context", { params: { path: { job_id: jobId } }, signal })),
    meta: FIRST,
    staleTime: 60_000,
    gcTime: 5 * 60_000,
    refetchOnWindowFocus: false,
  });
}

export function typeOf(types: readonly ItemType[], item: Pick<Item, "typeId" | "typeVersion">): ItemType | undefined {
  return types.find((one) => one.id === item.typeId && one.version === item.typeVersion) ?? types.find((one) => one.id === item.typeId);
}

/** The value that has a role in an item, where its type names one. */
export function roleOf(item: Item, type: ItemType | undefined, role: keyof ItemType["fieldRoles"]): unknown {
  const field = type?.fieldRoles[role];
  return field ? item.data[field] : undefined;
}

export function textRole(item: Item, type: ItemType | undefined, role: keyof ItemType["fieldRoles"]): string | null {
  const value = roleOf(item, type, role);
  return typeof value === "string" && value !== "" ? value : null;
}

/** The items of a thread that are written one after another, as messages. */
export function isThread(context: Context): boolean {
  return context.thread.thread !== null && context.thread.items.length > 1;
}

export function isReported(context: Context, item: Pick<Item, "id" | "typeId">): boolean {
  const { job } = context;
  return (item.id === job.itemId && item.typeId === job.itemTypeId) || job.reportedInThread.some((one) => one.id === item.id && one.typeId === item.typeId);
}

/** What of the context could not be had, by name. */
export function lacks(context: Context, part: Schema["MissingPartView"]["part"]): boolean {
  return context.missing.some((one) => one.part === part && one.reason === "UNAVAILABLE");
}

export type Action = Schema["ActionView"];
export type Policy = Schema["PolicyView"];

/** What is configured, also by the names that came with the job. */
export function useJobNames({ offers }: Pick<Context, "offers">): Names {
  return useNames({ actions: offers?.actions, queues: offers?.moveTo });
}
