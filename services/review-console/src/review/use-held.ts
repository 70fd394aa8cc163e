/**
 * How long the last decision can still be taken back, and who is at it just now.
 *
 *     runs ──focus or pointer──▶ stands still ──left──▶ runs, from all that the server gives
 *                                   └─the server extends no more─▶ runs out
 *
 * Guarantees: never more is shown than the server holds the decision for; while it stands still the server
 * is asked for more time twice a window, so that a page that is gone lets its decision go within two.
 */
import { useEffect } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { now } from "@/time/moment";

import { changeDone, type Done } from "./shift";

/** `at`: now, as the page shows it. `left`: milliseconds, below zero once it was sent. */
export function useHeld(done: Done | null, at: number): { isHeld: boolean; left: number; hold: (isHeld: boolean) => void } {
  const decisionId = done?.decisionId ?? null;
  const every = (done?.window ?? 0) / 2;
  const stood = done?.stood ?? 0;
  const runs = done === null ? 0 : done.until - at;
  const left = stood > 0 ? Math.min(stood, runs) : runs;
  const asks = stood > 0 && left > 0;
  useEffect(() => {
    if (!asks || decisionId === null) return undefined;
    void extend(decisionId);
    const timer = setInterval(() => void extend(decisionId), every);
    return () => clearInterval(timer);
  }, [asks, decisionId, every]);
  const isHeld = done?.stood !== undefined;
  const hold = (isNow: boolean): void => {
    if (done !== null && isNow !== isHeld) changeDone(done.decisionId, { stood: isNow ? done.until - now() : undefined });
  };
  return { isHeld, left, hold };
}

/** What cannot be extended any more runs out when it was going to; what has left is over. */
async function extend(decisionId: string): Promise<void> {
  try {
    const { leavesAt } = await take(api.POST("/v1/decisions/{decision_id}/undo-window/extend", { params: { path: { decision_id: decisionId } } }));
    changeDone(decisionId, { until: Date.parse(leavesAt) });
  } catch (error) {
    const problem = asProblem(error);
    if (!problem) throw error;
    if (problem.kind === "conflict" || problem.kind === "not-found") changeDone(decisionId, { until: now() });
  }
}
