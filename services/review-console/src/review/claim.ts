/**
 * What I hold: the jobs I claimed, with their leases.
 *
 * Guarantees: the token of a lease is in memory only, and comes back after a reload (`GET /v1/claims`);
 * one job at most is claimed ahead of its turn, without beginning it.
 */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { answer, api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

export type Held = Schema["HeldView"];
export type Claim = Schema["ClaimView"];
export type Lease = Held["lease"];

export const claimsQuery = queryOptions({
  queryKey: ["claims"],
  queryFn: async ({ signal }): Promise<Held[]> => (await take(api.GET("/v1/claims", { signal }))).items,
});

/** What was claimed is mine from now on, whoever asks. */
export function keep(claim: Pick<Held, "lease"> & { job: Held["job"] | Claim["job"] }): void {
  queries.setQueryData(["claim", claim.job.id], claim);
  queries.setQueryData(claimsQuery.queryKey, (before) => [...(before ?? []).filter((one) => one.job.id !== claim.job.id), claim]);
}

/** It is mine no longer. */
export function forget(jobId: string): void {
  queries.removeQueries({ queryKey: ["claim", jobId] });
  queries.setQueryData(claimsQuery.queryKey, (before) => before?.filter((one) => one.job.id !== jobId));
}

/** My lease of this job; null: it is not mine. Undefined until that is known. */
export function useLease(jobId: string): Lease | null | undefined {
  const { data } = useQuery({ ...claimsQuery, staleTime: 5_000 });
  return data === undefined ? queries.getQueryData<Claim>(["claim", jobId])?.lease : (data.find((one) => one.job.id === jobId)?.lease ?? null);
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
export async function claimJob(jobId: string): Promise<Claim> {
  const claim = await take(api.POST("/v1/jobs/{job_id}/claims", { params: { path: { job_id: jobId } } }));
  keep(claim);
  return claim;
}

/** More time. */
export async function extend(jobId: string, token: string): Promise<void> {
  const lease = await take(api.POST("/v1/jobs/{job_id}/lease/extend", { params: { path: { job_id: jobId } }, body: { leaseToken: token } }));
  prolong(jobId, lease);
}

/** Begin with what was claimed ahead; from now on my time counts. */
export async function begin(jobId: string, token: string): Promise<void> {
  const lease = await take(api.POST("/v1/jobs/{job_id}/lease/open", { params: { path: { job_id: jobId } }, body: { leaseToken: token } }));
  prolong(jobId, lease);
}

function prolong(jobId: string, lease: Pick<Lease, "expiresAt" | "openedAt">): void {
  queries.setQueryData(claimsQuery.queryKey, (before) =>
    before?.map((one) => (one.job.id === jobId ? { ...one, lease: { ...one.lease, expiresAt: lease.expiresAt, openedAt: lease.openedAt } } : one)),
  );
}

/** Give a job back, without a skip mark; it has its old turn again. */
export async function giveBack(jobId: string, token: string): Promise<void> {
  forget(jobId);
  await api.DELETE("/v1/jobs/{job_id}/lease", { params: { path: { job_id: jobId }, header: { "X-Lease-Token": token } } });
  void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
}

let ahead: Claim | null = null;
let asking = false;

/** Claims the next job of these queues ahead of time, unless one is there; `ready` is told of it. */
export async function claimAhead(queueIds: string[], ready: (claim: Claim) => void): Promise<void> {
  if (asking || (ahead !== null && Date.parse(ahead.lease.expiresAt) > Date.now() + 5_000)) return;
  asking = true;
  try {
    const { data } = await answer(api.POST("/v1/claims", { body: { queueIds, prefetch: true } }));
    ahead = data ?? null;
    if (ahead) ready(ahead);
  } catch {
    // Then the next one is asked for when its turn comes.
    ahead = null;
  } finally {
    asking = false;
  }
}

/** The job that is there already, once; null: none is. */
export function takeAhead(): Claim | null {
  const claim = ahead;
  ahead = null;
  return claim !== null && Date.parse(claim.lease.expiresAt) > Date.now() + 2_000 ? claim : null;
}

/** What was claimed ahead is free again. */
export function returnAhead(): void {
  const claim = takeAhead();
  if (claim) void giveBack(claim.job.id, claim.lease.token).catch(() => undefined);
}

/** A job that I left on the way back to an earlier one waits as the next. */
export function putAhead(claim: Claim): void {
  returnAhead();
  ahead = claim;
}
