/**
 * Second reviews: a job that was decided is looked at again, blind and without effect.
 *
 *     counts ──start──▶ claimed ──answer, skip──▶ the next one
 *                          └──give back, page left──▶ waits again
 *
 * Guarantees: what is shown has the form of a job's context, with nothing of what was decided; the lease
 * is in memory alone, and given back when the page is left.
 */
import { queryOptions } from "@tanstack/react-query";

import { answer, api, take, type Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import type { Session } from "@/session/session";

import type { Context, Item } from "./context";
import { offersOf } from "./offers";

export type SecondClaim = Schema["SecondReviewClaimView"];
type Sent = Schema["SubmittedItem"];
type Media = readonly Schema["MediaValueView"][];

export const secondCountsQuery = queryOptions({
  queryKey: ["queue-counts", "second-reviews"],
  queryFn: async ({ signal }) => (await take(api.GET("/v1/second-reviews/counts", { signal }))).items,
});

/** Null: none waits for me. */
export async function claimSecond(queueId: string | null): Promise<SecondClaim | null> {
  const { data } = await answer(api.POST("/v1/second-reviews/claims", { body: { queueId } }));
  return data ?? null;
}

export function giveSecondBack({ secondReview, lease }: SecondClaim): void {
  void api.DELETE("/v1/second-reviews/{second_review_id}/lease", { params: { path: { second_review_id: secondReview.id }, header: { "X-Lease-Token": lease.token } }, keepalive: true }).catch(() => undefined);
}

/** Those of the item at that pointer, by pointers into the item. */
function mediaAt(media: Media, at: string): Item["media"] {
  return media.filter((one) => one.pointer.startsWith(`${at}/data/`)).map((one) => ({ ...one, pointer: one.pointer.slice(at.length) }));
}

function itemOf(sent: Sent, media: Media, at: string, types: Names["itemTypes"]): Item {
  const data = typeof sent.data === "object" && sent.data !== null ? (sent.data as Record<string, unknown>) : {};
  const roles = types.find((one) => one.id === sent.typeId)?.fieldRoles;
  const text = (field: string | null | undefined) => (field && typeof data[field] === "string" ? (data[field] as string) : null);
  return {
    carrier: "JOB",
    creator: sent.creator ? { ...sent.creator, displayName: null } : null,
    data,
    displayName: text(roles?.displayName),
    id: sent.id,
    media: mediaAt(media, at),
    saidAt: text(roles?.createdAt),
    submittedAt: null,
    typeId: sent.typeId,
    typeVersion: sent.typeVersion,
  };
}

export function contextOf({ secondReview }: SecondClaim, names: Names, org: Session["org"]): Context {
  const { payload } = secondReview;
  const media = payload.media ?? [];
  const many = (name: "earlierItems" | "additionalItems" | "threadItems") => payload[name].map((one, index) => itemOf(one, media, `/${name}/${index}`, names.itemTypes));
  const first = payload.entries.at(-1)?.at ?? new Date(0).toISOString();
  return {
    isBlind: true,
    job: {
      ...secondReview,
      kind: secondReview.kind as Context["job"]["kind"],
      claimedAt: null,
      closedAt: null,
      closedBy: null,
      closeReason: null,
      createdAt: first,
      deadline: null,
      entries: payload.entries,
      kept: null,
      lease: null,
      movedFrom: [],
      movedTo: null,
      reportedInThread: payload.reportedInThread,
      reporterCount: new Set(payload.entries.flatMap((one) => (one.report?.reporter ? [one.report.reporter.id] : []))).size,
      revision: 0,
      severity: 0,
      state: "PENDING",
    },
    item: itemOf(payload.item, media, "/item", names.itemTypes),
    author: null,
    additionalItems: many("additionalItems"),
    earlierItems: many("earlierItems"),
    thread: { items: many("threadItems").toReversed(), thread: null, before: null, after: null },
    types: names.itemTypes.map((one) => ({ ...one, fieldRoles: one.fieldRoles ?? {}, hiddenFields: one.hiddenFields ?? [] })),
    comments: { count: 0, items: [] },
    draft: null,
    explanation: { rules: [] },
    missing: [],
    offers: offersOf([secondReview.itemTypeId], secondReview.queueId, names, org),
    remaining: 0,
    reporters: [],
    timeline: null,
  };
}
