/**
 * What the review analytics ask: counts in one request, times in five, each of which may fail alone.
 *
 * Guarantees: facts of other people only for whoever may know them; before is as many days before.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import type { Answer, Names } from "@/measure/answer";
import { moved, startOf, type TimeWindow } from "@/measure/window";

export interface Asked {
  readonly window: TimeWindow;
  readonly zone: string;
  readonly queues: readonly string[];
  readonly userId: string;
  readonly isLead: boolean;
}

type Question = Schema["FigureQuestionBody"];
const COUNTS = ["came", "cameByQueue", "decided", "byType", "byQueue", "byPerson", "personTypes", "skips", "skipsByQueue", "skipsByPerson"] as const;
type Name = (typeof COUNTS)[number];

export function questionsOf({ window, zone, queues, userId, isLead }: Asked): Record<Name, Question> {
  const time = { since: window.since, until: window.until, timeZone: zone } as const;
  const compare: "PREVIOUS" | "NONE" = window.isCompared ? "PREVIOUS" : "NONE";
  const cut = { ...time, bucket: window.bucket, compare, filters: { queueIds: [...queues] } };
  const whole = { ...cut, bucket: "TOTAL" as const, top: 200 };
  const people = { ...whole, filters: { queueIds: [...queues], reviewerIds: isLead ? [] : [userId] } };
  return {
    came: { ...cut, figure: "JOBS" },
    cameByQueue: { ...whole, figure: "JOBS", groupBy: ["QUEUE"] },
    decided: { ...cut, figure: "DECISIONS" },
    byType: { ...cut, figure: "DECISIONS", groupBy: ["TYPE"] },
    byQueue: { ...whole, figure: "DECISIONS", groupBy: ["QUEUE"] },
    byPerson: { ...people, figure: "DECISIONS", groupBy: ["REVIEWER"] },
    personTypes: { ...people, figure: "DECISIONS", groupBy: ["REVIEWER", "TYPE"], compare: "NONE" },
    skips: { ...cut, figure: "SKIPS" },
    skipsByQueue: { ...whole, figure: "SKIPS", groupBy: ["QUEUE"] },
    skipsByPerson: { ...people, figure: "SKIPS", groupBy: ["REVIEWER"] },
  };
}

export interface Counts {
  readonly asOf: string;
  readonly names: Names;
  readonly of: Record<Name, Answer>;
}

const KEPT = { staleTime: 60_000, refetchInterval: 5 * 60_000, placeholderData: <T>(earlier: T | undefined) => earlier } as const;

/** Of a time, but for the moment that it is asked at. */
function keyOf({ window, zone, queues, userId, isLead }: Asked): unknown[] {
  return [window.from, window.to, window.bucket, window.isCompared, zone, queues, isLead ? null : userId];
}

export function countsQuery(asked: Asked) {
  return queryOptions({
    queryKey: ["figures", "analytics", ...keyOf(asked)],
    ...KEPT,
    queryFn: async ({ signal }): Promise<Counts> => {
      const questions = questionsOf(asked);
      const { asOf, names, answers } = await take(api.POST("/v1/analytics/query", { body: { questions: COUNTS.map((name) => questions[name]) }, signal }));
      return { asOf, names, of: Object.fromEntries(COUNTS.map((name, index) => [name, answers[index]])) as Record<Name, Answer> };
    },
  });
}

export type Point = Schema["TimesPointView"];
type Grouping = "NONE" | "QUEUE" | "REVIEWER";

/** `cut`: by the buckets of the window, and not over all of it. */
export function timesQuery(asked: Asked, by: Grouping, cut = false, before = false) {
  const { window, zone, queues, userId, isLead } = asked;
  const since = before ? new Date(startOf(moved(window.from, -window.days), zone)).toISOString() : window.since;
  const until = before ? window.since : window.until;
  const reviewerId = by === "REVIEWER" && !isLead ? [userId] : undefined;
  const query = { groupBy: by, division: cut ? window.bucket : ("TOTAL" as const), timeZone: zone, since, until, queueId: [...queues], reviewerId };
  return queryOptions({
    queryKey: ["figures", "times", by, cut, before, ...keyOf(asked)],
    ...KEPT,
    queryFn: async ({ signal }): Promise<readonly Point[]> => (await take(api.GET("/v1/analytics/times", { params: { query }, signal }))).points,
  });
}

export function tableQuery(asked: Asked) {
  const { window, zone, queues } = asked;
  const query = { rows: "QUEUE" as const, timeZone: zone, since: window.since, until: window.until, queueId: [...queues] };
  return queryOptions({
    queryKey: ["figures", "decision-table", ...keyOf(asked)],
    ...KEPT,
    queryFn: async ({ signal }) => (await take(api.GET("/v1/analytics/decision-table", { params: { query }, signal }))).cells,
  });
}
