/**
 * What I hold: the jobs I claimed, with their leases.
 *
 * Guarantees: the token of a lease is in memory only, and comes back after a reload (`GET /v1/claims`).
 */
import { queryOptions } from "@tanstack/react-query";

import { answer, api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

export type Held = Schema["HeldView"];
export type Claim = Schema["ClaimView"];

export const claimsQuery = queryOptions({
  queryKey: ["claims"],
  queryFn: async ({ signal }): Promise<Held[]> => (await take(api.GET("/v1/claims", { signal }))).items,
});

/** The most urgent job of a queue; null: nothing waits there for me. */
export async function claimIn(queueId: string): Promise<Claim | null> {
  const { data } = await answer(api.POST("/v1/queues/{queue_id}/claims", { params: { path: { queue_id: queueId } } }));
  void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
  void queries.invalidateQueries({ queryKey: ["queue-counts"] });
  if (!data) return null;
  queries.setQueryData(["claim", data.job.id], data);
  return data;
}

/** Give a job back, without a skip mark; it has its old turn again. */
export async function giveBack(jobId: string, token: string): Promise<void> {
  await api.DELETE("/v1/jobs/{job_id}/lease", { params: { path: { job_id: jobId }, header: { "X-Lease-Token": token } } });
  void queries.invalidateQueries({ queryKey: claimsQuery.queryKey });
}
