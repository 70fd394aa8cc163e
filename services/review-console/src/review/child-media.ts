/**
 * What the page of a child-safety job knows besides the job: all media of the user, and what a report
 * of it would be.
 *
 * Guarantees: whole, page by page, in the server's order; read anew once something was looked at,
 * because the server alone says what counts as looked at.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

const PAGE = 200;

export function userMediaQuery(jobId: string) {
  return infiniteQueryOptions({
    queryKey: ["job", jobId, "user-media"],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/jobs/{job_id}/user-media", { params: { path: { job_id: jobId }, query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Schema["UserMediaPage"]) => last.nextCursor,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
}

export function termsQuery(jobId: string) {
  return queryOptions({
    queryKey: ["job", jobId, "report-terms"],
    queryFn: ({ signal }) => take(api.GET("/v1/jobs/{job_id}/report-terms", { params: { path: { job_id: jobId } }, signal })),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
}

export type ReportTerms = Schema["ReportTermsView"];

/** Something was looked at: what is required may be met now. */
export function lookedAt(jobId: string): void {
  void queries.invalidateQueries({ queryKey: userMediaQuery(jobId).queryKey });
}
