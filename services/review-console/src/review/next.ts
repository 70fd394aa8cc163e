/**
 * The next job: claimed ahead, with what is around it there before it is wanted, and its page made
 * (`Turn`) once there is time for it.
 *
 *     claimed ahead ──what is around it has come──▶ its page is made ──its turn──▶ shown
 *                                                        └──given back, opened elsewhere──▶ let go of
 *
 * Guarantees: its clock does not run before its page is shown; nothing is made ahead of what is grave.
 */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import { queries } from "@/api/query";
import { onTold } from "@/live/tabs";

import { claimAhead, claimsQuery, isNext, type Claim } from "./claim";
import { contextQuery } from "./context";

let made: string | null = null;
const listeners = new Set<() => void>();

function setMade(jobId: string | null): void {
  made = jobId;
  for (const listener of listeners) listener();
}

export function prepareNext(queueId: string): void {
  void claimAhead([queueId], (claim) => void make(claim));
}

async function make({ job }: Claim): Promise<void> {
  const query = contextQuery(job.id);
  await queries.prefetchQuery(query);
  const context = queries.getQueryData(query.queryKey);
  // Meanwhile it may have been given back, or have had its turn.
  if (context && !context.job.csam && context.job.kind !== "NCMEC" && isNext(job.id)) setMade(job.id);
}

// What is entered there belongs to it from the beginning.
onTold((message) => {
  if (message.kind === "job-open" && message.jobId === made) setMade(null);
});

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The job whose page may be made while `jobId` is shown; null: none. */
export function useMade(jobId: string): string | null {
  const next = useSyncExternalStore(listen, () => made, () => made);
  const { data: isMine } = useQuery({ ...claimsQuery, enabled: false, select: (held) => held.some((one) => one.job.id === next) });
  useEffect(() => {
    // Once shown, it is never what comes next: whoever returns to it finds it as it is then.
    if (made === jobId) setMade(null);
  }, [jobId]);
  useEffect(() => () => setMade(null), []);
  return next !== jobId && isMine === true ? next : null;
}
