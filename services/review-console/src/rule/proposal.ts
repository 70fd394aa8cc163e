/**
 * Changes of a rule that wait for a second person, and what a change would make it act on.
 *
 * Guarantees: what is asked for names the revision that it is of; an answer is of what was shown.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";

import type { Rule } from "./query";

export type Proposal = Schema["ProposalView"];
export type Body = Schema["RuleBody"];

export const proposalsQuery = (ruleId: string) =>
  queryOptions({
    queryKey: ["configuration", "rule", ruleId, "proposals"],
    staleTime: 30_000,
    refetchInterval: 60_000,
    queryFn: ({ signal }) => take(api.GET("/v1/rule-proposals", { params: { query: { ruleId, limit: 50 } }, signal })),
  });

export const forecastQuery = (ruleId: string, rule: Body) =>
  queryOptions({
    queryKey: ["rule-forecast", ruleId, JSON.stringify(rule)],
    retry: false,
    gcTime: 0,
    queryFn: ({ signal }) => take(api.POST("/v1/rule-proposals/preview", { body: { ruleId, rule }, signal })),
  });

export function propose(base: Rule, rule: Body, note: string): Promise<Proposal> {
  return take(api.POST("/v1/rule-proposals", { body: { ruleId: base.id, revision: base.revision, rule, note } }));
}

const one = (id: string) => ({ params: { path: { proposal_id: id } } });

export const approve = (id: string): Promise<Proposal> => take(api.POST("/v1/rule-proposals/{proposal_id}/approve", one(id)));
export const decline = (id: string, reason: string): Promise<Proposal> => take(api.POST("/v1/rule-proposals/{proposal_id}/decline", { ...one(id), body: { reason } }));
export const withdraw = (id: string): Promise<Proposal> => take(api.POST("/v1/rule-proposals/{proposal_id}/withdraw", one(id)));

const WAITING: readonly Proposal["state"][] = ["OPEN", "EXPIRED", "OUTDATED"];

/** What nobody answered, whether or not somebody still can. */
export const isWaiting = ({ state }: Proposal): boolean => WAITING.includes(state);
