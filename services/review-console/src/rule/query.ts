/**
 * What the pages of rules ask: the rules, how often each matched by day, its revisions, a trial of one.
 *
 * Guarantees: a change names the revision that it is of (If-Match), so that nobody's is written over
 * unseen; days are those of the viewer's zone.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";
import { sum } from "@/measure/answer";
import { moved, startOf } from "@/measure/window";

export type Rule = Schema["RuleView"];
export type Status = Schema["RuleStatus"];
export type Revision = Schema["RuleRevision"];

const KEPT = { staleTime: 5 * 60_000 } as const;
export const DAYS = 14;
/** What review-api takes: keys of an answer, rules that a question names, questions of a request. */
const TOP = 200;
const NAMED = 50;
const QUESTIONS = 12;

export const ruleQuery = (id: string) =>
  queryOptions({ queryKey: ["configuration", "rule", id], ...KEPT, queryFn: ({ signal }) => take(api.GET("/v1/rules/{document_id}", { params: { path: { document_id: id } }, signal })) });

export const revisionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["configuration", "rule", id, "revisions"],
    ...KEPT,
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/rules/{document_id}/revisions", { params: { path: { document_id: id }, query: { limit: 20, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

/** Signals, and the banks that conditions look into. */
export const partsQuery = queryOptions({
  queryKey: ["configuration", "condition-parts"],
  ...KEPT,
  queryFn: async ({ signal }) => {
    const [signals, texts, places, hashes] = await Promise.all([
      take(api.GET("/v1/signals", { signal })),
      whole((query) => take(api.GET("/v1/text-banks", { params: { query }, signal }))),
      whole((query) => take(api.GET("/v1/location-banks", { params: { query }, signal }))),
      whole((query) => take(api.GET("/v1/hash-banks", { params: { query }, signal }))),
    ]);
    const counted = ({ id, name, entryCount }: { id: string; name: string; entryCount?: number | null }) => ({ id, name, count: entryCount ?? null });
    return { signals: signals.items, banks: { texts: texts.map(counted), places: places.map(counted), hashes: hashes.map(({ id, name }) => ({ id, name, count: null })) } };
  },
});

export interface Matches {
  /** Oldest first, `DAYS` of them, the last is today. */
  readonly days: readonly number[];
  readonly week: number;
}

const NONE: Matches = { days: Array.from({ length: DAYS }, () => 0), week: 0 };

/** By rule. `today`: the viewer's, as `2026-11-30`; `ids`: of all rules, or of one.
 * Of an organisation with more than 600, the rest is not known. */
export function matchesQuery(today: string, zone: string, ids: readonly string[]) {
  const isAll = ids.length > 1 && ids.length <= TOP;
  const parts = isAll ? [ids] : Array.from({ length: Math.min(QUESTIONS, Math.ceil(ids.length / NAMED)) }, (_, part) => ids.slice(part * NAMED, (part + 1) * NAMED));
  return queryOptions({
    queryKey: ["figures", "rule-matches", today, zone, ids.length === 1 ? ids[0] : ids.length],
    enabled: parts.length > 0,
    staleTime: 60_000,
    refetchInterval: 5 * 60_000,
    queryFn: async ({ signal }) => {
      const since = new Date(startOf(moved(today, 1 - DAYS), zone)).toISOString();
      const { answers } = await take(api.POST("/v1/analytics/query", { body: { questions: parts.map((ruleIds) => ({ figure: "MATCHES" as const, groupBy: ["RULE" as const], bucket: "DAY" as const, since, timeZone: zone, top: TOP, filters: isAll ? {} : { ruleIds: [...ruleIds] } })) }, signal }));
      const counted = new Map(
        answers.flatMap(({ series }) => series).flatMap(({ keys: [id], counts }) => {
          if (!id) return [];
          const days = counts.slice(-DAYS).map((one) => one ?? 0);
          return [[id, { days, week: sum(days.slice(-7)) }] as const];
        }),
      );
      return new Map(parts.flat().map((id) => [id, counted.get(id) ?? NONE] as const));
    },
  });
}

/** Null: not known. */
export function matchesOf(found: ReadonlyMap<string, Matches> | undefined, id: string): Matches | null {
  return found?.get(id) ?? null;
}

/** As it is now, in another state. */
export function putStatus(rule: Rule, status: Status): Promise<Rule> {
  const { name, description, itemTypeIds, conditionSet, actionIds, actionParameters, policyIds, tags, maxDailyActions, maxActionsPerMinute, maxUsersPerHour, expirationTime } = rule;
  const body = { name, description, itemTypeIds, conditionSet, actionIds, actionParameters, policyIds, tags, maxDailyActions, maxActionsPerMinute, maxUsersPerHour, expirationTime, status };
  return take(api.PUT("/v1/rules/{document_id}", { params: { path: { document_id: rule.id }, header: { "If-Match": `"${rule.revision}"` } }, body: body as Schema["RuleBody"] }));
}

export function restore(rule: Rule, revision: number): Promise<Rule> {
  return take(api.POST("/v1/rules/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: rule.id, revision }, header: { "If-Match": `"${rule.revision}"` } } }));
}

/** What the rule as it is now says of an item that nobody sent. */
export function tried(ruleId: string, item: Schema["ItemFields"], signal: AbortSignal): Promise<Schema["SpotTestView"]> {
  return take(api.POST("/v1/rules/spot-test", { body: { ruleId, item }, signal }));
}
