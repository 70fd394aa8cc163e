/**
 * What strikes lead to, as a part of the organisation's settings.
 *
 * Guarantees: everything else of the settings is sent back as it was; parameters of an action that a
 * threshold still names are kept.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch } from "@/settings/documents";
import { settingsWith } from "@/wellness/organisation";
import type { Choice } from "@/wellness/wellness";
import { sayer } from "@/words/words";

import { words } from "./words";

export type Settings = Schema["SettingsView"];
const say = sayer(words);

const Row = z.object({ threshold: z.union([z.number(), z.literal("")]), actionIds: z.array(z.string()), parameters: z.custom<Schema["StrikeThresholdView"]["actionParameters"]>() });
export type Row = z.infer<typeof Row>;

export const Values = z.object({
  userStrikeTtlDays: z.union([z.number(), z.literal("")]).check(z.refine((days) => days !== "" && days >= 1, { error: () => say("ttlNeeded") })),
  userStrikeThresholds: z.array(Row),
});
export type Values = z.infer<typeof Values>;

/** What is wrong with each row, by its place. */
export function faultsOf(rows: readonly Row[]): { threshold: string | null; actionIds: string | null }[] {
  return rows.map(({ threshold, actionIds }, at) => ({
    threshold: threshold === "" || !Number.isInteger(threshold) || threshold < 1 ? say("numberNeeded") : rows.findIndex((one) => one.threshold === threshold) < at ? say("twice") : null,
    actionIds: actionIds.length === 0 ? say("actionNeeded") : null,
  }));
}

export function valuesOf(settings: Settings | null): Values {
  const rows = [...(settings?.userStrikeThresholds ?? [])].sort((a, b) => a.threshold - b.threshold);
  return { userStrikeTtlDays: settings?.userStrikeTtlDays ?? "", userStrikeThresholds: rows.map(({ threshold, actionIds, actionParameters }) => ({ threshold, actionIds, parameters: actionParameters })) };
}

export function bodyOf(values: Values, base: Settings): Schema["SettingsBody"] {
  return {
    ...settingsWith(base, base.defaultWellness as Choice),
    userStrikeTtlDays: values.userStrikeTtlDays === "" ? base.userStrikeTtlDays : values.userStrikeTtlDays,
    userStrikeThresholds: values.userStrikeThresholds.map(({ threshold, actionIds, parameters }) => ({
      threshold: threshold === "" ? 0 : threshold,
      actionIds,
      // What the API gave is JSON already.
      actionParameters: Object.fromEntries(Object.entries(parameters ?? {}).filter(([id]) => actionIds.includes(id))) as Schema["StrikeThresholdBody"]["actionParameters"],
    })),
  };
}

export function read(): Promise<Settings> {
  return take(api.GET("/v1/settings"));
}

export function save(values: Values, base: Settings | null): Promise<Settings> {
  if (base === null) throw new Error("settings are never made anew");
  return take(api.PUT("/v1/settings", { params: { header: ifMatch(base.revision) }, body: bodyOf(values, base) }));
}

export const distributionQuery = queryOptions({ queryKey: ["figures", "strikes"], staleTime: 60_000, queryFn: ({ signal }) => take(api.GET("/v1/strikes/distribution", { signal })) });

export const crossingsQuery = infiniteQueryOptions({
  queryKey: ["figures", "strike-crossings"],
  queryFn: ({ pageParam, signal }) => take(api.GET("/v1/strikes/threshold-actions", { params: { query: { limit: 20, cursor: pageParam } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
});

const FEW = 8;

export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly users: number;
}

/** One bar for each number while they are few; else numbers of the same width, gaps between them kept. */
export function barsOf(items: readonly Schema["StrikeBucketView"][], most = 20): Bar[] {
  const top = Math.max(0, ...items.map((one) => one.strikes));
  if (top === 0) return [];
  const width = Math.max(1, Math.ceil(Math.max(top, FEW) / most));
  const bars = Array.from({ length: Math.ceil(Math.max(top, FEW) / width) }, (_, at) => ({ from: at * width + 1, to: (at + 1) * width, users: 0 }));
  for (const { strikes, users } of items) {
    const bar = bars[Math.ceil(strikes / width) - 1];
    if (bar) bar.users += users;
  }
  return bars;
}
