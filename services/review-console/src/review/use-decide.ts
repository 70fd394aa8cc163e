/**
 * Sending a decision, and going on.
 *
 *     submit ──next job is there──▶ it is painted at once; the decision follows
 *       │                             └─refused──▶ back to the job, as it was left, with the fault
 *       └──none is there──▶ the decision, and with its answer the next job (or none waits)
 *
 * Guarantees: one press sends once; what was refused is not lost; what can be taken back says so.
 */
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { ApiProblem, asProblem } from "@/api/problem";
import { queries } from "@/api/query";

import { begin, claimAhead, claimIn, claimJob, forget, giveBack, keep, putAhead, returnAhead, takeAhead, type Claim, type Lease } from "./claim";
import { contextQuery, type Context } from "./context";
import { componentsOf, type Entered } from "./entered";
import { setDone, setRefused, type Done } from "./shift";
import { dropHere, keepHere } from "./use-entered";

export interface Sent {
  readonly what: string;
  readonly about: string;
}

interface Options {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly end: () => void;
}

export interface Decide {
  readonly submit: (entered: Entered, told: Sent, stay: boolean) => void;
  readonly skip: () => void;
  readonly sending: boolean;
  /** The queue is empty: there is nothing to go on with. */
  readonly emptied: boolean;
}

type Answer = Schema["DecisionView"] | Schema["DecidedView"];

export function useDecide({ context, lease, end }: Options): Decide {
  const navigate = useNavigate();
  const [sending, setSending] = useState(false);
  const [emptied, setEmptied] = useState(false);
  const busy = useRef(false);
  const { job } = context;
  const open = (jobId: string) => navigate({ to: "/jobs/$jobId", params: { jobId } });

  const post = async (entered: Entered, token: string, next: boolean): Promise<Answer> =>
    (await take(
      api.POST("/v1/jobs/{job_id}/decisions", {
        params: { path: { job_id: job.id } },
        body: {
          components: componentsOf(entered),
          reason: entered.reason.trim() || null,
          note: entered.note.trim() || null,
          leaseToken: token,
          revision: job.revision,
          ...(next ? { next: { queueIds: [job.queueId] } } : {}),
        },
      }),
    )) as Answer;

  const told = (decision: Schema["DecisionView"], entered: Entered, { what, about }: Sent): void => {
    end();
    dropHere(job.id);
    forget(job.id);
    setRefused(job.id, null);
    void queries.invalidateQueries({ queryKey: ["job", job.id] });
    const until = decision.leavesAt ? Date.parse(decision.leavesAt) : null;
    if (until === null) return;
    const window = until - Date.parse(decision.decidedAt);
    setDone({ decisionId: decision.id, jobId: job.id, queueId: job.queueId, what, about, entered, until, window });
  };

  const refuse = (error: unknown, entered: Entered): void => {
    const problem = asProblem(error) ?? new ApiProblem("internal", 0);
    keepHere(job.id, entered);
    setRefused(job.id, problem);
    if (problem.kind === "lease-lost" || problem.kind === "already-closed") forget(job.id);
    if (["revision-mismatch", "already-closed", "invalid"].includes(problem.kind)) void queries.invalidateQueries({ queryKey: ["job", job.id] });
  };

  const run = async (entered: Entered, sent: Sent, stay: boolean): Promise<void> => {
    setRefused(job.id, null);
    // Until this one is answered there is nothing to take back: `Z` never means the one before.
    setDone(null);
    const ready = stay || !lease ? null : takeAhead();
    if (lease && ready) {
      end();
      keepHere(job.id, entered);
      goOn(ready);
      await open(ready.job.id);
      try {
        told((await post(entered, lease.token, false)) as Schema["DecisionView"], entered, sent);
      } catch (error) {
        refuse(error, entered);
        await open(job.id);
        await giveBack(ready.job.id, ready.lease.token).catch(() => undefined);
      }
      return;
    }
    try {
      const { token } = lease ?? (await claimJob(job.id)).lease;
      const answer = await post(entered, token, !stay);
      const decided = "decision" in answer ? answer : { decision: answer, next: null, nextRefused: null };
      told(decided.decision, entered, sent);
      if (decided.next) {
        keep(decided.next);
        await open(decided.next.job.id);
      } else if (!stay) setEmptied(true);
    } catch (error) {
      refuse(error, entered);
    }
  };

  const skip = async (): Promise<void> => {
    setRefused(job.id, null);
    try {
      const { token } = lease ?? (await claimJob(job.id)).lease;
      await api.POST("/v1/jobs/{job_id}/skip", { params: { path: { job_id: job.id } }, body: { leaseToken: token } });
      end();
      forget(job.id);
      const next = takeAhead();
      if (next) goOn(next);
      const claim = next ?? (await claimIn(job.queueId));
      if (claim) await open(claim.job.id);
      else setEmptied(true);
    } catch (error) {
      setRefused(job.id, asProblem(error) ?? new ApiProblem("internal", 0));
    }
  };

  const once = (work: () => Promise<void>): void => {
    if (busy.current) return;
    busy.current = true;
    setSending(true);
    void work().finally(() => {
      busy.current = false;
      setSending(false);
    });
  };

  return { submit: (entered, sent, stay) => once(() => run(entered, sent, stay)), skip: () => once(skip), sending, emptied };
}

/** The job that was claimed ahead begins. */
function goOn(claim: Claim): void {
  keep(claim);
  begin(claim.job.id, claim.lease.token).catch(() => {
    // The lease ended meanwhile: the page says so, and it is claimed again by the first act.
    forget(claim.job.id);
  });
}

/** The next job is claimed ahead, and what is around it is there before it is wanted. Nothing clear of
 * its media is asked for. */
export function prepareNext(queueId: string): void {
  void claimAhead([queueId], (claim) => void queries.prefetchQuery(contextQuery(claim.job.id)));
}

/** Takes a decision back: its job is mine again, with what was entered. */
export async function undo(done: Done, current: Claim | null): Promise<string> {
  const undone = await take(api.POST("/v1/decisions/{decision_id}/undo", { params: { path: { decision_id: done.decisionId } }, body: { claim: true } }));
  setDone(null);
  keepHere(undone.jobId, done.entered);
  queries.removeQueries({ queryKey: ["job", undone.jobId] });
  if (undone.claim) keep(undone.claim);
  if (current) putAhead(current);
  else returnAhead();
  return undone.jobId;
}
