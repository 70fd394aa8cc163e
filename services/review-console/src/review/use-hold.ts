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
import { onLive } from "@/live/stream";
import { useSession } from "@/session/session";
import { now } from "@/time/moment";

import { claimJob, extend, forget, returnAhead, type Lease } from "./claim";
import { prepareNext } from "./use-decide";

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
}

const BEAT_MS = 15_000;
const EXTEND_EVERY_MS = 60_000;
const NEXT_AFTER_MS = 1_200;
const NEXT_EVERY_MS = 60_000;

export function useHold(job: Job, lease: Lease | null | undefined): Hold {
  const [claiming, setClaiming] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const endedAt = useEnd(job.id, lease);
  const token = lease?.token ?? null;
  const isOpen = job.state === "PENDING";
  const claim = () => {
    if (!isOpen || claiming) return;
    setClaiming(true);
    setProblem(null);
    (token === null ? claimJob(job.id) : extend(job.id, token))
      .catch((error: unknown) => {
        const refused = asProblem(error);
        setProblem(refused);
        if (refused?.kind === "lease-lost") forget(job.id);
      })
      .finally(() => setClaiming(false));
  };
  useActivity(job.id, lease);
  useNextAhead(isOpen && token !== null, job.queueId);
  const others = useOthers(job.id);
  return { claim, claiming, problem, endedAt, others };
}

/** When the lease that was there is there no longer. */
function useEnd(jobId: string, lease: Lease | null | undefined): number | null {
  const [endedAt, setEndedAt] = useState<number | null>(null);
  const expires = lease ? Date.parse(lease.expiresAt) : null;
  useEffect(() => {
    if (expires === null) return undefined;
    const timer = setTimeout(() => {
      setEndedAt(expires);
      forget(jobId);
    }, Math.max(0, expires - now()));
    return () => clearTimeout(timer);
  }, [expires, jobId]);
  return expires === null ? endedAt : null;
}

/** More time by itself for whoever does something, once half of it is gone. */
function useActivity(jobId: string, lease: Lease | null | undefined): void {
  const whole = useSession().org.leaseSeconds * 1000;
  const last = useRef(0);
  useEffect(() => {
    if (!lease) return undefined;
    const active = () => {
      const left = Date.parse(lease.expiresAt) - now();
      if (left > whole / 2 || left <= 0 || Date.now() - last.current < EXTEND_EVERY_MS) return;
      last.current = Date.now();
      extend(jobId, lease.token).catch((error: unknown) => {
        if (asProblem(error)?.kind === "lease-lost") forget(jobId);
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

/** Who else has it open. */
function useOthers(jobId: string): readonly Person[] {
  const me = useSession().user.id;
  const [told, setTold] = useState<readonly Person[] | null>(null);
  const { data } = useQuery({
    queryKey: ["presence", jobId],
    queryFn: () => take(api.PUT("/v1/jobs/{job_id}/presence", { params: { path: { job_id: jobId } } })),
    refetchInterval: BEAT_MS,
    retry: false,
    gcTime: 0,
  });
  useEffect(
    () =>
      onLive((name, value) => {
        const event = value as { jobId?: string; people?: (Person | null)[] };
        if (name === "presence" && event.jobId === jobId) setTold((event.people ?? []).filter((one) => one !== null));
      }),
    [jobId],
  );
  useEffect(
    () => () => {
      void api.DELETE("/v1/jobs/{job_id}/presence", { params: { path: { job_id: jobId } } }).catch(() => undefined);
    },
    [jobId],
  );
  return (told ?? data?.people ?? []).filter((one): one is Person => one !== null && one.id !== me);
}
