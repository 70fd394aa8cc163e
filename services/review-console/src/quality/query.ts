/** What is asked about quality: lists of the API, each read to its end. */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";
import type { TimeWindow } from "@/measure/window";

import type { Compared, Group } from "./search";

export type Overturn = Schema["OverturnView"];
export type Golden = Schema["GoldenItemView"];

const KEPT = { staleTime: 60_000 } as const;

export interface Asked {
  readonly window: TimeWindow;
  readonly queue: string | undefined;
}

function timeOf({ window, queue }: Asked) {
  return { since: window.since, until: window.until, queueId: queue };
}

/** The moment of asking is of no matter to what is asked. */
function keyOf({ window, queue }: Asked): unknown[] {
  return [window.from, window.to, queue ?? null];
}

export const agreementQuery = (asked: Asked, by: Compared) =>
  queryOptions({
    queryKey: ["quality", "agreement", by, ...keyOf(asked)],
    ...KEPT,
    queryFn: ({ signal }) => whole((page) => take(api.GET("/v1/quality/agreement", { params: { query: { ...timeOf(asked), by, ...page } }, signal }))),
  });

export const pairsQuery = (asked: Asked, by: Compared) =>
  queryOptions({
    queryKey: ["quality", "pairs", by, ...keyOf(asked)],
    ...KEPT,
    queryFn: ({ signal }) => whole((page) => take(api.GET("/v1/quality/agreement/pairs", { params: { query: { ...timeOf(asked), by, ...page } }, signal }))),
  });

export const overturnsQuery = (asked: Asked, groupBy: Group) =>
  queryOptions({
    queryKey: ["quality", "overturns", groupBy, ...keyOf(asked)],
    ...KEPT,
    queryFn: ({ signal }) => whole((page) => take(api.GET("/v1/quality/overturns", { params: { query: { ...timeOf(asked), groupBy, ...page } }, signal }))),
  });

export const resultsQuery = (asked: Asked) =>
  queryOptions({
    queryKey: ["quality", "golden-results", ...keyOf(asked)],
    ...KEPT,
    queryFn: ({ signal }) => whole((page) => take(api.GET("/v1/quality/golden-results", { params: { query: { ...timeOf(asked), ...page } }, signal }))),
  });

export const goldenQuery = (queue: string | undefined) =>
  queryOptions({
    queryKey: ["quality", "golden-items", queue ?? null],
    ...KEPT,
    queryFn: ({ signal }) => whole((page) => take(api.GET("/v1/quality/golden-items", { params: { query: { queueId: queue, ...page } }, signal }))),
  });
