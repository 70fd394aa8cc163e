/**
 * Holding a job while its page is open: presence told and heard, more time for whoever works, the next
 * job claimed ahead.
 *
 * Guarantees: time is asked for once a minute at most, and only after somebody did something; the next
 * job is given back unopened when the page is left without a decision.
 */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { asProblem, type ApiProblem } from "@/api/problem";
import { afterPaint } from "@/control/after-paint";
import { useLive } from "@/live/stream";
import { onTold, tell } from "@/live/tabs";
import { useSession } from "@/session/session";
import { now } from "@/time/moment";

import { begin, claimJob, extend, isAhead, lose, lostAt, returnAhead, type Lease } from "./claim";
import { prepareNext } from "./next";

type Job = Schema["ContextJobView"];
type Person = Schema["PersonView"];

export interface Hold {
  /** Claims it, or asks for more time. */
  readonly claim: () => void;
  readonly claiming: boolean;
  readonly problem: ApiProblem | null;
  /** When a lease that I had came to its end; null: it did not. */
  readonly endedAt: number | null;
  readonly others: readonly Person[];
  /** Another tab of this browser has it open too. */
  readonly isTwice: boolean;
}

const BEAT_MS = 15_000;
const EXTEND_EVERY_MS = 60_000;
const NEXT_AFTER_MS = 1_200;
const NEXT_EVERY_MS = 60_000;

export function useHold(job: Job, lease: Lease | null | undefined): Hold {
  const [claiming, setClaiming] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const isOpen = job.state === "PENDING";
  const endedAt = useEnd(job.id, lease);
  const token = lease?.token ?? null;
  const claim = () => {
    if (!isOpen || claiming) return;
    setClaiming(true);
    setProblem(null);
    (token === null ? claimJob(job.id) : extend(job.id, token))
      .catch((error: unknown) => {
        const refused = asProblem(error);
        setProblem(refused);
        if (refused?.kind === "lease-lost") lose(job.id);
      })
      .finally(() => setClaiming(false));
  };
  useBeginning(job.id, lease);
  useActivity(job.id, lease);
  useNextAhead(isOpen && token !== null, job.queueId);
  const others = useOthers(job.id);
  const isTwice = useTwice(job.id);
  return { claim, claiming, problem, endedAt, others, isTwice };
}

/** What was claimed ahead begins with its page. */
function useBeginning(jobId: string, lease: Lease | null | undefined): void {
  const token = lease && isAhead({ lease }) ? lease.token : null;
  useEffect(() => {
    if (token === null) return undefined;
    let isHere = true;
    void afterPaint()
      .then(() => (isHere ? begin(jobId, token) : undefined))
      .catch((error: unknown) => {
        if (asProblem(error)?.kind === "lease-lost") lose(jobId);
      });
    return () => {
      isHere = false;
    };
  }, [jobId, token]);
}

/** When the lease that was there came to its end without me. */
function useEnd(jobId: string, lease: Lease | null | undefined): number | null {
  const expires = lease ? Date.parse(lease.expiresAt) : null;
  useEffect(() => {
    if (expires === null) return undefined;
    const timer = setTimeout(() => lose(jobId, expires), Math.max(0, expires - now()));
    return () => clearTimeout(timer);
  }, [expires, jobId]);
  return lease === null ? lostAt(jobId) : null;
}

/** More time by itself for whoever does something, once half of it is gone. */
function useActivity(jobId: string, lease: Lease | null | undefined): void {
  const whole = useSession().org.leaseSeconds * 1000;
  const last = useRef(0);
  useEffect(() => {
    // One that only begins has all its time with the answer to that.
    if (!lease || isAhead({ lease })) return undefined;
    const active = () => {
      const left = Date.parse(lease.expiresAt) - now();
      if (left > whole / 2 || left <= 0 || Date.now() - last.current < EXTEND_EVERY_MS) return;
      last.current = Date.now();
      extend(jobId, lease.token).catch((error: unknown) => {
        if (asProblem(error)?.kind === "lease-lost") lose(jobId);
      });
    };
    window.addEventListener("keydown", active);
    window.addEventListener("pointerdown", active);
    return () => {
      window.removeEventListener("keydown", active);
      window.removeEventListener("pointerdown", active);
    };
  }, [jobId, lease, whole]);
}

function useNextAhead(held: boolean, queueId: string): void {
  useEffect(() => {
    if (!held) return undefined;
    const first = setTimeout(() => prepareNext(queueId), NEXT_AFTER_MS);
    const again = setInterval(() => {
      if (document.visibilityState === "visible") prepareNext(queueId);
    }, NEXT_EVERY_MS);
    return () => {
      clearTimeout(first);
      clearInterval(again);
    };
  }, [held, queueId]);
  // Left for a page that is no job: what was claimed ahead is free again.
  useEffect(
    () => () => {
      setTimeout(() => {
        if (!location.pathname.startsWith("/jobs/")) returnAhead();
      });
    },
    [],
  );
}

/** Who else has it open. What the server tells is whole: a job that is not in it has nobody. */
function useOthers(jobId: string): readonly Person[] {
  const me = useSession().user.id;
  const told = useLive("presence");
  const { data } = useQuery({
    queryKey: ["presence", jobId],
    queryFn: async () => {
      await afterPaint();
      return take(api.PUT("/v1/jobs/{job_id}/presence", { params: { path: { job_id: jobId } } }));
    },
    refetchInterval: BEAT_MS,
    retry: false,
    gcTime: 0,
  });
  useEffect(
    () => () => {
      void afterPaint().then(() => api.DELETE("/v1/jobs/{job_id}/presence", { params: { path: { job_id: jobId } } }).catch(() => undefined));
    },
    [jobId],
  );
  const people = told ? (told.items.find((one) => one.jobId === jobId)?.people ?? []) : (data?.people ?? []);
  return people.filter((one): one is Person => one !== null && one.id !== me);
}

/** Whether another tab has it open: the one that opens it asks, the one that has it answers. */
function useTwice(jobId: string): boolean {
  const [twice, setTwice] = useState(false);
  useEffect(() => {
    const off = onTold((message) => {
      if (!("jobId" in message) || message.jobId !== jobId) return;
      if (message.kind === "job-open") tell({ kind: "job-open-too", jobId });
      if (message.kind === "job-open" || message.kind === "job-open-too") setTwice(true);
      // A third one that has it too says so at once.
      if (message.kind === "job-left") {
        setTwice(false);
        tell({ kind: "job-open-too", jobId });
      }
    });
    const leave = () => tell({ kind: "job-left", jobId });
    tell({ kind: "job-open", jobId });
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
      off();
    };
  }, [jobId]);
  return twice;
}
