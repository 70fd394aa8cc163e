/**
 * What the overview asks, all in one request, and how the answers are read.
 *
 * Guarantees: at most twelve questions; numbers of other people only for whoever may know them; what
 * was removed has the name that it had last.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { sum, type Answer, type Names, type Row } from "@/measure/answer";
import type { TimeWindow } from "@/measure/window";

type Question = Schema["FigureQuestionBody"];

const QUESTIONS = ["total", "byAction", "automation", "byPolicy", "byRule", "decisions", "decisionTypes", "open"] as const;
type QuestionName = (typeof QUESTIONS)[number];

export const ACTIONS_SHOWN = 5;

export interface Reader {
  readonly userId: string;
  /** May know facts of other people. */
  readonly isLead: boolean;
}

export function questionsOf(window: TimeWindow, zone: string, reader: Reader): Record<QuestionName, Question> {
  const time = { since: window.since, until: window.until, timeZone: zone, compare: window.isCompared ? "PREVIOUS" : "NONE" } as const;
  const cut = { ...time, bucket: window.bucket };
  const people = reader.isLead ? {} : { filters: { reviewerIds: [reader.userId] } };
  return {
    total: { ...cut, figure: "ACTIONS" },
    byAction: { ...cut, figure: "ACTIONS", groupBy: ["ACTION"], top: ACTIONS_SHOWN },
    automation: { ...cut, figure: "ACTIONS", groupBy: ["AUTOMATION"] },
    byPolicy: { ...cut, figure: "ACTIONS", groupBy: ["POLICY"], top: 40 },
    byRule: { ...cut, figure: "ACTIONS", groupBy: ["RULE"], top: 30 },
    decisions: { ...cut, ...people, figure: "DECISIONS", groupBy: ["REVIEWER"], top: 30 },
    decisionTypes: { ...time, ...people, figure: "DECISIONS", groupBy: ["REVIEWER", "TYPE"], bucket: "TOTAL", compare: "NONE", top: 200 },
    open: { figure: "OPEN_JOBS", timeZone: zone, bucket: "DAY" },
  };
}

export interface Figures {
  readonly asOf: string;
  readonly of: Record<QuestionName, Answer>;
  readonly names: Names;
}

const EVERY = 5 * 60_000;

/** `windowAt` is asked at each request, because time goes on. */
export function figuresQuery(key: readonly unknown[], windowAt: () => TimeWindow, zone: string, reader: Reader) {
  return queryOptions({
    queryKey: ["figures", "overview", ...key, zone, reader.userId],
    staleTime: 60_000,
    refetchInterval: EVERY,
    queryFn: async ({ signal }): Promise<Figures> => {
      const asked = questionsOf(windowAt(), zone, reader);
      const body = { questions: QUESTIONS.map((name) => asked[name]) };
      const { asOf, names, answers } = await take(api.POST("/v1/analytics/query", { body, signal }));
      const of = Object.fromEntries(QUESTIONS.map((name, index) => [name, answers[index]])) as Record<QuestionName, Answer>;
      return { asOf, names, of };
    },
  });
}

export interface PolicyRow extends Row {
  readonly depth: 0 | 1;
  /** The policies that it counts. */
  readonly ids: readonly string[];
}

/**
 * Policies under their parents, the largest first. A parent counts what is its own and what is its
 * children's; what was removed stands by itself.
 */
export function policyTree(rows: readonly Row[], policies: readonly { readonly id: string; readonly name: string; readonly parentId?: string | null }[]): PolicyRow[] {
  const known = new Map(policies.map((policy) => [policy.id, policy]));
  const rootOf = (id: string): string => {
    let here = id;
    for (let up = known.get(here)?.parentId, steps = 0; up && known.has(up) && steps < 32; up = known.get(here)?.parentId, steps += 1) here = up;
    return here;
  };
  const families = new Map<string, Row[]>();
  for (const row of rows) families.set(rootOf(row.id), [...(families.get(rootOf(row.id)) ?? []), row]);
  const found = [...families].map(([root, members]) => {
    const children = members.filter((one) => one.id !== root);
    const own = members.find((one) => one.id === root);
    const parent: PolicyRow = {
      id: root,
      name: own?.name ?? known.get(root)?.name ?? root,
      total: sum(members.map((one) => one.total)),
      before: members.some((one) => one.before !== null) ? sum(members.map((one) => one.before ?? 0)) : null,
      counts: [],
      depth: 0,
      ids: members.map((one) => one.id),
    };
    return { parent, children: children.map((one): PolicyRow => ({ ...one, depth: 1, ids: [one.id] })) };
  });
  return found.sort((a, b) => b.parent.total - a.parent.total).flatMap(({ parent, children }) => [parent, ...children]);
}
