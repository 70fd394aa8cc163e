/**
 * Sending a decision, and going on.
 *
 *     submit ──next job is there──▶ it is painted at once; the decision follows
 *       │                             └─refused──▶ said where the reviewer is, with a way back (`shift`)
 *       └──none is there──▶ the decision, and with its answer the next job, or why there is none
 *
 * Guarantees: one press sends once; while nobody answers the same is sent again (`unsent`); what was
 * refused is not lost, and takes nobody away from another job; while a decision is on its way, and
 * until the job of this page was painted, nothing that is pressed counts; what can be taken back says
 * so, and other tabs hear of it.
 */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { ApiProblem, asProblem } from "@/api/problem";
import { queries } from "@/api/query";

import { afterPaint } from "@/control/after-paint";
import { tell } from "@/live/tabs";

import { claimIn, claimJob, forget, keep, lose, putAhead, returnAhead, takeAhead, type Claim, type Lease } from "./claim";
import type { Context } from "./context";
import { componentsOf, type Entered } from "./entered";
import { useSeen } from "./home";
import { setAside, setDone, setRefused, type Done } from "./shift";
import { untilAnswered } from "./unsent";
import { dropHere, keepHere } from "./use-entered";

export interface Sent {
  readonly what: string;
  readonly about: string;
}

/** Why there is no next job: none waits, or it was refused. */
export type NoNext = "EMPTY" | NonNullable<Schema["DecidedView"]["nextRefused"]>;

interface Options {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly end: () => void;
}

export interface Decide {
  readonly submit: (entered: Entered, told: Sent, stay: boolean) => void;
  readonly skip: () => void;
  /** To the next job of the queue, from one that is not mine to decide. */
  readonly goOn: () => void;
  readonly sending: boolean;
  /** True while nothing that is pressed is meant for this job: it is on its way, or not seen yet. */
  readonly isDeaf: () => boolean;
  /** Null: there is something to go on with, or it is not known yet. */
  readonly noNext: NoNext | null;
}

type Answer = Schema["DecisionView"] | Schema["DecidedView"];

/** `first`: what is waited for before it is sent. */
function post(job: Context["job"], entered: Entered, token: string, next: boolean, what: string, first?: Promise<void>): Promise<Answer> {
  // Made once: what is sent again is the same to the last byte.
  const body = {
    components: componentsOf(entered),
    reason: entered.reason.trim() || null,
    note: entered.note.trim() || null,
    leaseToken: token,
    revision: job.revision,
    ...(next ? { next: { queueIds: [job.queueId] } } : {}),
  };
  return untilAnswered(what, async () => {
    await first;
    return (await take(api.POST("/v1/jobs/{job_id}/decisions", { params: { path: { job_id: job.id } }, body }))) as Answer;
  });
}

export function useDecide({ context, lease, end }: Options): Decide {
  const navigate = useNavigate();
  const [sending, setSending] = useState(false);
  const [noNext, setNoNext] = useState<NoNext | null>(null);
  const busy = useRef(false);
  const isDecided = useRef(false);
  const isSeen = useSeen();
  const { job } = context;
  const open = (jobId: string) => navigate({ to: "/jobs/$jobId", params: { jobId } });

  useEffect(() => {
    // Read anew, it may be open again.
    isDecided.current = false;
  }, [context]);

  const told = (decision: Schema["DecisionView"], entered: Entered, { what, about }: Sent): void => {
    isDecided.current = true;
    end();
    dropHere(job.id);
    forget(job.id);
    setRefused(job.id, null);
    void queries.invalidateQueries({ queryKey: ["job", job.id] });
    tell({ kind: "job-changed", jobId: job.id });
    const until = decision.leavesAt ? Date.parse(decision.leavesAt) : null;
    if (until === null) return;
    const window = until - Date.parse(decision.decidedAt);
    setDone({ decisionId: decision.id, jobId: job.id, queueId: job.queueId, what, about, entered, until, window });
  };

  const refuse = (error: unknown, entered: Entered): ApiProblem => {
    const problem = asProblem(error) ?? new ApiProblem("internal", 0);
    keepHere(job.id, entered);
    setRefused(job.id, problem);
    if (problem.kind === "lease-lost") lose(job.id);
    if (problem.kind === "already-closed") forget(job.id);
    if (["revision-mismatch", "already-closed", "invalid"].includes(problem.kind)) void queries.invalidateQueries({ queryKey: ["job", job.id] });
    return problem;
  };

  const run = async (entered: Entered, sent: Sent, stay: boolean): Promise<void> => {
    setRefused(job.id, null);
    // Until this one is answered there is nothing to take back: `Z` never means the one before.
    setDone(null);
    const ready = stay || !lease ? null : takeAhead();
    if (lease && ready) {
      end();
      keepHere(job.id, entered);
      keep(ready);
      await open(ready.job.id);
      try {
        told((await post(job, entered, lease.token, false, sent.what, afterPaint())) as Schema["DecisionView"], entered, sent);
      } catch (error) {
        setAside({ jobId: job.id, ...sent, problem: refuse(error, entered) });
      }
      return;
    }
    setSending(true);
    try {
      const { token } = lease ?? (await claimJob(job.id)).lease;
      const answer = await post(job, entered, token, !stay, sent.what);
      const decided = "decision" in answer ? answer : { decision: answer, next: null, nextRefused: null };
      told(decided.decision, entered, sent);
      if (decided.next) {
        keep(decided.next);
        await open(decided.next.job.id);
      } else if (!stay) setNoNext(decided.nextRefused ?? "EMPTY");
    } catch (error) {
      refuse(error, entered);
    }
  };

  const skip = async (): Promise<void> => {
    setSending(true);
    setRefused(job.id, null);
    try {
      const { token } = lease ?? (await claimJob(job.id)).lease;
      await api.POST("/v1/jobs/{job_id}/skip", { params: { path: { job_id: job.id } }, body: { leaseToken: token } });
    } catch (error) {
      setRefused(job.id, asProblem(error) ?? new ApiProblem("internal", 0));
      return;
    }
    end();
    forget(job.id);
    await goOn();
  };

  const goOn = async (): Promise<void> => {
    const next = takeAhead();
    if (next) keep(next);
    else setSending(true);
    try {
      const claim = next ?? (await claimIn(job.queueId));
      if (claim) await open(claim.job.id);
      else setNoNext("EMPTY");
    } catch (error) {
      // What was done here is done: only the next one is refused.
      setNoNext(noNextOf(error));
    }
  };

  const isDeaf = () => busy.current || isDecided.current || !isSeen();
  const once = (work: () => Promise<void>, isMeant = !isDeaf()): void => {
    if (!isMeant) return;
    busy.current = true;
    void work().finally(() => {
      busy.current = false;
      setSending(false);
    });
  };

  return { submit: (entered, sent, stay) => once(() => run(entered, sent, stay)), skip: () => once(skip), goOn: () => once(goOn, !busy.current && isSeen()), sending, isDeaf, noNext };
}

/** Why a claim was refused, as a decision's answer would say it. */
export function noNextOf(error: unknown): NoNext {
  const kind = asProblem(error)?.kind;
  return kind === "queue-paused" || kind === "too-many-claims" || kind === "not-found" ? kind : "unavailable";
}

/** Takes a decision back: its job is mine again, with what was entered. */
export async function undo(done: Done, current: Claim | null): Promise<string> {
  const undone = await take(api.POST("/v1/decisions/{decision_id}/undo", { params: { path: { decision_id: done.decisionId } }, body: { claim: true } }));
  setDone(null);
  keepHere(undone.jobId, done.entered);
  queries.removeQueries({ queryKey: ["job", undone.jobId] });
  if (undone.claim) keep(undone.claim);
  tell({ kind: "job-changed", jobId: undone.jobId });
  if (current) putAhead(current);
  else returnAhead();
  return undone.jobId;
}
