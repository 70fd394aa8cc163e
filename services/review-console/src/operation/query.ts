/** What runs and what waits, of every kind that one may see: one list each, made one. */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import type { Permission } from "@/session/session";

export type Export = Schema["LogExportView"];

const LIVE_MS = 5000;
const MOST = 50;

export const KINDS = ["BULK", "BACKTEST", "RETROACTION", "EXPORT", "ERASURE"] as const;
export type Kind = (typeof KINDS)[number];
export const NEEDS: Record<Kind, Permission> = { BULK: "MANUALLY_ACTION_CONTENT", BACKTEST: "RUN_BACKTEST", RETROACTION: "RUN_RETROACTION", EXPORT: "VIEW_MRT_DATA", ERASURE: "ERASE_END_USERS" };

export interface Work {
  readonly kind: Kind;
  readonly id: string;
  readonly by: string;
  readonly at: string;
  /** From 0 to 1; null: it cannot be said. */
  readonly share: number | null;
  readonly done: number;
  readonly total: number | null;
  readonly waits: "CONFIRM" | "PAUSED" | null;
  readonly ruleId: string | null;
  /** What it is called: a rule, a note. */
  readonly name: string;
}

type Query = { readonly limit: number };
const query: Query = { limit: MOST };
const personOf = (person: Schema["PersonView"] | null | undefined, id: string) => person?.name ?? id;

/** The newest of each kind that have not ended: what began longer ago than `MOST` others has. */
const LISTS: Record<Kind, (signal: AbortSignal) => Promise<Work[]>> = {
  // Of each entry that is still under way one line.
  BULK: async (signal) =>
    (await take(api.GET("/v1/bulk-actions", { params: { query }, signal }))).items.flatMap((one) => {
      if (one.state === "COMPLETE" || one.state === "CANCELLED") return [];
      const done = one.requested + one.refused;
      const waits = one.state === "PREVIEW" ? ("CONFIRM" as const) : one.state === "PAUSED" ? ("PAUSED" as const) : null;
      return [{ kind: "BULK" as const, id: one.id, by: personOf(one.createdByPerson, one.createdBy), at: one.createdAt, share: one.total > 0 ? done / one.total : null, done, total: one.total, waits, ruleId: null, name: one.note ?? "" }];
    }),
  BACKTEST: async (signal) =>
    (await take(api.GET("/v1/backtests", { params: { query }, signal }))).items.flatMap((one) => (ENDED.includes(one.state) ? [] : [{ kind: "BACKTEST" as const, id: one.id, by: personOf(one.createdByPerson, one.createdBy), at: one.createdAt, share: one.progress, done: one.counts.scanned, total: null, waits: null, ruleId: one.ruleId, name: String(one.rule["name"] ?? "") }])),
  RETROACTION: async (signal) =>
    (await take(api.GET("/v1/retroactions", { params: { query }, signal }))).items.flatMap((one) => {
      if (ENDED.includes(one.state)) return [];
      const part = one.run ?? one.preview;
      const waits = one.state === "AWAITING_CONFIRMATION" ? ("CONFIRM" as const) : null;
      return [{ kind: "RETROACTION" as const, id: one.id, by: personOf(one.createdByPerson, one.createdBy), at: one.createdAt, share: part.progress, done: part.counts.scanned, total: waits === null ? null : part.counts.passed, waits, ruleId: one.ruleId, name: String(one.rule["name"] ?? "") }];
    }),
  EXPORT: async (signal) =>
    (await exportsOf(signal)).flatMap((one) => (one.state === "COMPLETE" || one.state === "FAILED" ? [] : [{ kind: "EXPORT" as const, id: one.id, by: "", at: one.createdAt, share: null, done: one.rows, total: null, waits: null, ruleId: null, name: one.format }])),
  ERASURE: async (signal) =>
    (await take(api.GET("/v1/erasures", { params: { query }, signal }))).items.flatMap((one) => (one.state === "COMPLETE" ? [] : [{ kind: "ERASURE" as const, id: one.id, by: personOf(one.requestedByPerson, one.requestedBy), at: one.createdAt, share: one.total > 0 ? one.done / one.total : null, done: one.done, total: one.total, waits: null, ruleId: null, name: one.reason ?? "" }])),
};
const ENDED: readonly string[] = ["COMPLETE", "CANCELLED", "FAILED"];

async function exportsOf(signal: AbortSignal): Promise<Export[]> {
  return (await take(api.GET("/v1/decision-log/exports", { params: { query }, signal }))).items;
}

export function workQuery(kind: Kind) {
  return queryOptions({ queryKey: ["operations", kind], retry: false, refetchInterval: LIVE_MS, queryFn: ({ signal }) => LISTS[kind](signal) });
}

export const exportsQuery = queryOptions({ queryKey: ["operations", "exports"], retry: false, refetchInterval: LIVE_MS, queryFn: ({ signal }) => exportsOf(signal) });

/** What services laid aside, by topic. */
export const lettersQuery = queryOptions({
  queryKey: ["dead-letters"],
  retry: false,
  refetchInterval: 3 * LIVE_MS,
  queryFn: ({ signal }) => take(api.GET("/v1/dead-letters", { signal })),
});
