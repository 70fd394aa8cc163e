/**
 * The queues as the dashboard shows them: what is configured, what waits, what is starred, what I hold.
 *
 * Guarantees: three groups (starred, others, appeals), each by what is due next; a queue without a
 * deadline stands behind those with one, an empty one last.
 */
import { queryOptions, useQuery, useSuspenseQuery } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queuesQuery } from "@/configuration/query";
import { useLive } from "@/live/stream";
import { claimsQuery, isAhead, type Held } from "@/review/claim";

export type Queue = Schema["QueueView"];

export interface QueueRow {
  readonly queue: Queue;
  readonly pending: number;
  readonly leased: number;
  readonly overdue: number;
  readonly oldestAt: string | null;
  readonly dueAt: string | null;
  readonly isStarred: boolean;
  readonly held: readonly Held[];
}

export const countsQuery = queryOptions({
  queryKey: ["queue-counts"],
  queryFn: async ({ signal }) => (await take(api.GET("/v1/queue-counts", { signal }))).items,
});

export const favouritesQuery = queryOptions({
  queryKey: ["favourites"],
  queryFn: async ({ signal }) => (await take(api.GET("/v1/favourites", { signal }))).items,
});

export const mineQuery = queryOptions({
  queryKey: ["queue-counts", "mine"],
  queryFn: ({ signal }) => take(api.GET("/v1/analytics/mine", { signal })),
});

export function useQueueRows(): QueueRow[] {
  const queues = useSuspenseQuery(queuesQuery).data;
  const counts = useSuspenseQuery(countsQuery).data;
  const starred = useSuspenseQuery(favouritesQuery).data;
  const held = useQuery(claimsQuery).data ?? [];
  const live = useLive("queues")?.items ?? [];
  const rows = queues.map((queue): QueueRow => {
    const count = counts.find((one) => one.queueId === queue.id);
    const now = live.find((one) => one.queueId === queue.id);
    return {
      queue,
      pending: now?.pending ?? count?.pending ?? 0,
      leased: now?.leased ?? count?.leased ?? 0,
      overdue: now?.overdue ?? count?.overdue ?? 0,
      oldestAt: now ? now.oldestCreatedAt : (count?.oldestCreatedAt ?? null),
      dueAt: count?.nextDeadline ?? null,
      isStarred: starred.includes(queue.id),
      held: held.filter((one) => one.job.queueId === queue.id && !isAhead(one)),
    };
  });
  return rows.sort(byTurn);
}

export type GroupName = "starred" | "others" | "appeals";
const GROUPS: readonly GroupName[] = ["starred", "others", "appeals"];

export function groupOf(row: QueueRow): GroupName {
  return row.isStarred ? "starred" : row.queue.isAppealsQueue ? "appeals" : "others";
}

export function byTurn(a: QueueRow, b: QueueRow): number {
  const group = GROUPS.indexOf(groupOf(a)) - GROUPS.indexOf(groupOf(b));
  return group || dueOf(a) - dueOf(b) || b.pending - a.pending || a.queue.name.localeCompare(b.queue.name);
}

function dueOf(row: QueueRow): number {
  if (row.pending === 0) return Number.MAX_SAFE_INTEGER;
  return row.dueAt === null ? Number.MAX_SAFE_INTEGER - 1 : Date.parse(row.dueAt);
}

/** The clock of a queue: how much of the time is used (0 to 1), and how grave that is. */
export interface Clock {
  readonly leftMs: number;
  readonly used: number;
  readonly level: "severe" | "high" | null;
}

/** Null: nothing is due. Under 30 % of the time left is high, overdue is severe. */
export function clockOf(row: QueueRow, now: number): Clock | null {
  if (row.dueAt === null || row.pending === 0) return null;
  const leftMs = Date.parse(row.dueAt) - now;
  const whole = (row.queue.targetMinutes ?? 0) * 60_000;
  const used = whole > 0 ? Math.min(1, Math.max(0, 1 - leftMs / whole)) : 0;
  return { leftMs, used, level: leftMs < 0 ? "severe" : used > 0.7 ? "high" : null };
}

export type Only = "overdue" | "free" | "waiting";

export function fits(row: QueueRow, only: Only | undefined, words: string): boolean {
  const text = `${row.queue.name} ${row.queue.description} ${row.queue.id}`.toLocaleLowerCase();
  const named = words.toLocaleLowerCase().split(/\s+/).every((part) => text.includes(part));
  if (!named) return false;
  if (only === "overdue") return row.overdue > 0;
  if (only === "free") return row.pending > 0 && row.leased === 0;
  return only === "waiting" ? row.pending > 0 : true;
}
