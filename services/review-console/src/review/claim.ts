/**
 * What I hold: the jobs I claimed, with their leases.
 *
 *     nobody's ──claim──▶ mine ──decide, skip, give back, step away──▶ nobody's
 *                           └──its time is over, somebody took it──▶ lost (`lostAt`): claim it again
 *
 * Guarantees: the token of a lease is in memory only, and comes back after a reload (`GET /v1/claims`);
 * one job at most is claimed ahead of its turn, without beginning it, and is given back when the page
 * goes away; a job is asked for once at a time; other tabs hear of each change.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { answer, api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries, retryDelay } from "@/api/query";
import { useQuiet } from "@/api/quiet";
import { onTold, tell } from "@/live/tabs";
import { now } from "@/time/moment";

export type Held = Schema["HeldView"];
export type Claim = Schema["ClaimView"];
export type Lease = Held["lease"];

/** `["claim", id]`: the claim itself, for as long as it is mine, however long that is. */
queries.setQueryDefaults(["claim"], { gcTime: Infinity });

const lost = new Map<string, number>();
let changes = 0;
let ahead: Claim | null = null;
let asking = false;
const asked = new Map<string, Promise<Claim>>();

export const claimsQuery = queryOptions({
  queryKey: ["claims"],
  queryFn: async ({ signal }): Promise<Held[]> => {
    const before = held();
    let items: readonly Held[];
    let seen: number;
    do {
      seen = changes;
      ({ items } = await take(api.GET("/v1/claims", { signal })));
    } while (seen !== changes); // Claimed or let go of meanwhile: that answer may be older.
    for (const one of before) {
      const isStill = items.some((other) => other.job.id === one.job.id);
      const isMine = held().some((other) => other.job.id === one.job.id);
      if (!isStill && isMine && !isAhead(one)) lost.set(one.job.id, Math.min(now(), Date.parse(one.lease.expiresAt)));
    }
    return [...items];
  },
});

function held(): readonly Held[] {
  return queries.getQueryData<Held[]>(["claims"]) ?? [];
}

function change(next: (before: readonly Held[]) => readonly Held[]): void {
  changes += 1;
  queries.setQueryData<Held[]>(["claims"], (before) => [...next(before ?? [])]);
  tell({ kind: "claims" });
}

onTold((message) => {
  if (message.kind === "claims") void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
});

/** When I lost it (milliseconds of the server's clock); null: I did not. */
export function lostAt(jobId: string): number | null {
  return lost.get(jobId) ?? null;
}

/** What was claimed is mine from now on, whoever asks. */
export function keep(claim: Pick<Held, "lease"> & { job: Held["job"] | Claim["job"] }): void {
  lost.delete(claim.job.id);
  queries.setQueryData(["claim", claim.job.id], claim);
  change((before) => [...before.filter((one) => one.job.id !== claim.job.id), claim]);
}

/** It is mine no longer, by what I did. */
export function forget(jobId: string): void {
  lost.delete(jobId);
  queries.removeQueries({ queryKey: ["claim", jobId] });
  change((before) => before.filter((one) => one.job.id !== jobId));
}

/** It is mine no longer, and I did not let go of it. */
export function lose(jobId: string, at: number = now()): void {
  forget(jobId);
  lost.set(jobId, at);
}

/** My lease of this job; null: it is not mine. Undefined until that is known. */
export function useLease(jobId: string): Lease | null | undefined {
  const { data } = useQuery({ ...claimsQuery, staleTime: 5_000, enabled: useQuiet() });
  return data === undefined ? queries.getQueryData<Claim>(["claim", jobId])?.lease : (data.find((one) => one.job.id === jobId)?.lease ?? null);
}

/** Who else has it, by what was said when the job was read; null: nobody, or I. */
export function holderOf(job: { readonly lease: Schema["LeaseHolder"] | null }, lease: Lease | null | undefined, me: string, at: number): Schema["LeaseHolder"] | null {
  const { lease: theirs } = job;
  return lease || !theirs || theirs.reviewerId === me || Date.parse(theirs.expiresAt) <= at ? null : theirs;
}

/** The most urgent job of a queue; null: nothing waits there for me. */
export async function claimIn(queueId: string): Promise<Claim | null> {
  const { data } = await answer(api.POST("/v1/queues/{queue_id}/claims", { params: { path: { queue_id: queueId } } }));
  void queries.invalidateQueries({ queryKey: ["queue-counts"] });
  if (!data) return null;
  keep(data);
  return data;
}

/** This job. Rejects with a problem of kind `held`, `already-closed`, `queue-paused` or `too-many-claims`. */
export function claimJob(jobId: string): Promise<Claim> {
  // Asked for twice at once, the later answer's token would be the one that counts: whoever had the other lost.
  const before = asked.get(jobId);
  if (before) return before;
  const claim = take(api.POST("/v1/jobs/{job_id}/claims", { params: { path: { job_id: jobId } } }))
    .then((one) => {
      keep(one);
      return one;
    })
    .finally(() => asked.delete(jobId));
  asked.set(jobId, claim);
  return claim;
}

/** More time. */
export async function extend(jobId: string, token: string): Promise<void> {
  const lease = await take(api.POST("/v1/jobs/{job_id}/lease/extend", { params: { path: { job_id: jobId } }, body: { leaseToken: token } }));
  prolong(jobId, lease);
}

/** Begin with what was claimed ahead; from now on my time counts. While the server is away, again. */
export async function begin(jobId: string, token: string): Promise<void> {
  if (ahead?.job.id === jobId) ahead = null;
  for (let tries = 0; ; tries += 1) {
    try {
      const lease = await take(api.POST("/v1/jobs/{job_id}/lease/open", { params: { path: { job_id: jobId } }, body: { leaseToken: token } }));
      prolong(jobId, lease);
      return;
    } catch (error) {
      if (!asProblem(error)?.passes || !held().some((one) => one.job.id === jobId)) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryDelay(Math.min(tries, 2), error)));
    }
  }
}

function prolong(jobId: string, { expiresAt, openedAt }: Pick<Lease, "expiresAt" | "openedAt">): void {
  queries.setQueryData<Claim>(["claim", jobId], (before) => before && { ...before, lease: { ...before.lease, expiresAt, openedAt } });
  change((before) => before.map((one) => (one.job.id === jobId ? { ...one, lease: { ...one.lease, expiresAt, openedAt } } : one)));
}

/** Give a job back, without a skip mark; it has its old turn again. Also from a page that goes away. */
export async function giveBack(jobId: string, token: string): Promise<void> {
  forget(jobId);
  await api.DELETE("/v1/jobs/{job_id}/lease", { params: { path: { job_id: jobId }, header: { "X-Lease-Token": token } }, keepalive: true });
  void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
}

/** Everything that I hold, also what was claimed ahead, and by other tabs: how many jobs. */
export async function giveAllBack(): Promise<number> {
  ahead = null;
  queries.removeQueries({ queryKey: ["claim"] });
  change(() => []);
  const { released } = await take(api.DELETE("/v1/claims"));
  void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
  return released;
}

/** Claims the next job of these queues ahead of time, unless one is there; `ready` is told of it. */
export async function claimAhead(queueIds: string[], ready: (claim: Claim) => void): Promise<void> {
  if (asking || (ahead !== null && Date.parse(ahead.lease.expiresAt) > now() + 5_000)) return;
  asking = true;
  try {
    const { data } = await answer(api.POST("/v1/claims", { body: { queueIds, prefetch: true } }));
    ahead = data ?? null;
    if (!ahead) return;
    const claim = ahead;
    change((before) => [...before.filter((one) => one.job.id !== claim.job.id), claim]);
    ready(claim);
  } catch {
    // Then the next one is asked for when its turn comes.
    ahead = null;
  } finally {
    asking = false;
  }
}

/** Whether this job is only claimed ahead: it is nobody's work yet. */
export function isAhead(one: Pick<Held, "lease">): boolean {
  return one.lease.openedAt === null;
}

/** Whether it is what was claimed ahead, and not taken yet. */
export function isNext(jobId: string): boolean {
  return ahead?.job.id === jobId;
}

/** The job that is there already, once; null: none is. */
export function takeAhead(): Claim | null {
  const claim = ahead;
  ahead = null;
  return claim !== null && Date.parse(claim.lease.expiresAt) > now() + 2_000 ? claim : null;
}

/** What was claimed ahead is free again. */
export function returnAhead(): void {
  const claim = takeAhead();
  if (claim) void giveBack(claim.job.id, claim.lease.token).catch(() => undefined);
}

// A page that is loaded again or closed knows nothing more of it, and nobody else could have it.
window.addEventListener("pagehide", returnAhead);

/** A job that I left on the way back to an earlier one waits as the next. */
export function putAhead(claim: Claim): void {
  returnAhead();
  ahead = claim;
}
