/**
 * The decision log: what is asked for, which is the address of the page, and what each entry is called.
 */
import { infiniteQueryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import { levelOf, type Level } from "@/look/severity";
import { moved, startOf } from "@/measure/window";
import { timeZone } from "@/time/moment";
import type { Say } from "@/words/words";

import type { Filters } from "./search";
import type { words } from "./words";

export type Entry = Schema["DecisionLogEntry"];
type Key = Extract<keyof typeof words.messages, string>;

const PAGE = 50;
function beginOf(day: string): string {
  return new Date(startOf(day, timeZone())).toISOString();
}

export function asked(filters: Filters): Schema["LogFilters"] {
  return {
    since: filters.since ? beginOf(filters.since) : undefined,
    until: filters.until ? beginOf(moved(filters.until, 1)) : undefined,
    queueIds: filters.queue,
    reviewerIds: filters.by,
    ruleIds: filters.rule,
    actionIds: filters.action,
    policyIds: filters.policy,
    decisionTypes: filters.type,
    sources: filters.source,
    itemTypeId: filters.item ? filters.itemType : undefined,
    itemId: filters.item,
    userTypeId: filters.user ? filters.userType : undefined,
    userId: filters.user,
    jobId: filters.job,
  };
}

export function logQuery(filters: Filters) {
  const { queueIds, reviewerIds, ruleIds, actionIds, policyIds, decisionTypes, sources, ...rest } = asked(filters);
  const query = { ...rest, queueId: queueIds, reviewerId: reviewerIds, ruleId: ruleIds, actionId: actionIds, policyId: policyIds, decisionType: decisionTypes, source: sources, limit: PAGE };
  return infiniteQueryOptions({
    queryKey: ["decisions", filters],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/decision-log", { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** How many filters an address has. */
export function countOf(filters: Filters): number {
  const { since, until, queue, by, rule, action, policy, type, source, item, user, job } = filters;
  return [since ?? until, queue, by, rule, action, policy, type, source, item, user, job].filter((value) => value !== undefined).length;
}

export interface Title {
  /** Null: it was handed on, neither grave nor mild. */
  readonly level: Level | null;
  readonly text: string;
  readonly isStruck: boolean;
}

const RANK: readonly Level[] = ["none", "low", "medium", "high", "severe"];

export function titleOf(entry: Entry, names: Names, say: Say<Key>): Title {
  const isStruck = entry.undoneAt !== null || isTakenBack(entry);
  const title = (level: Level | null, text: string): Title => ({ level, text, isStruck });
  if (entry.kind === "SKIP") return title(null, say("skipped"));
  if (entry.kind === "RELEASE") return title(null, say("released"));
  if (entry.kind === "BULK_REVERSAL") return title("done", say("times", { what: say("takeBack"), count: entry.total ?? 0 }));
  const actionIds = [...new Set(entry.components.flatMap((part) => part.actionIds ?? []))];
  const types = entry.components.map((part) => ("type" in part ? part.type : null));
  if (types.includes("ACCEPT_APPEAL")) return title("done", say("acceptAppeal"));
  if (types.includes("REJECT_APPEAL")) return title("none", say("rejectAppeal"));
  if (types.includes("SUBMIT_NCMEC_REPORT")) return title("severe", say("SUBMIT_NCMEC_REPORT"));
  if (types.includes("ESCALATE_TO_NCMEC")) return title("severe", say("toNcmec"));
  if (actionIds.length > 0) {
    const level = RANK[Math.max(...actionIds.map((id) => RANK.indexOf(levelOf(names.penalty(id)))))] ?? "none";
    const text = actionIds.map(names.action).join(", ");
    return title(level, entry.kind === "BULK_ACTION" ? say("times", { what: text, count: entry.total ?? 0 }) : text);
  }
  if (types.includes("MOVE")) return title(null, say("moveTo", { queue: movedTo(entry, names) }));
  if (types.includes("IGNORE")) return title("none", say("noViolation"));
  return title("none", say("closed"));
}

function movedTo(entry: Entry, names: Names): string {
  const named = entry.components.map((part) => ("queueId" in part ? part.queueId : null)).find(Boolean);
  return named ? names.queue(named) : "";
}

/** What can be taken back of it: one line an execution. Of a bulk action, the whole. */
export function isTakenBack(entry: Entry): boolean {
  return entry.takenBack.length > 0 && entry.reversible === null;
}

/** What a decision sets off that is no action on the platform. */
export function setOff(entry: Entry, names: Names, say: Say<Key>): string[] {
  if (entry.undoneAt !== null) return [];
  return entry.components.flatMap((part) => {
    if (!("type" in part)) return [];
    if (part.type === "SUBMIT_NCMEC_REPORT") return [say("reportFiled")];
    if (part.type === "ESCALATE_TO_NCMEC") return [say("jobOfSafety")];
    if (part.type === "MOVE" && part.queueId) return [say("waitsIn", { queue: names.queue(part.queueId) })];
    return [];
  });
}

export function policiesOf(entry: Entry): string[] {
  return [...new Set(entry.components.flatMap((part) => part.policyIds ?? []))];
}

/** Who decided where no person did. */
export function actorOf(entry: Entry, names: Names, say: Say<Key>): { person: Schema["PersonView"] | null; text: string } {
  if (entry.actor) return { person: entry.actor, text: entry.actor.name };
  const rules = entry.ruleIds.map(names.rule);
  const of: Readonly<Partial<Record<Entry["source"], string>>> = {
    RULE_EXECUTION: rules.join(", ") || say("byRule"),
    POST_ACTIONS: say("byPlatform"),
    STRIKE_THRESHOLD: say("byStrikes"),
    COOP: say("COOP"),
    RETROACTION: rules.join(", ") || say("byRetroaction"),
  };
  return { person: null, text: of[entry.source] ?? say("byNobody") };
}
