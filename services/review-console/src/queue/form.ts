/**
 * A queue as its form has it, and as review-api takes it.
 *
 * Guarantees: shares are per cent here and parts there; weights that are not used are kept.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch, listQuery, type ListSearch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./form-words";

export type Queue = Schema["QueueView"];
const say = sayer(words);

export const ORDERS = ["OLDEST_FIRST", "MOST_REPORTS", "EARLIEST_DEADLINE", "WEIGHTED"] as const;
export const DISPOSITIONS = ["AUTOMATIC_CLOSE", "IGNORE", "SAME_ACTION"] as const;
export const SCOPES = ["CURRENT_QUEUE", "ALL_QUEUES"] as const;
export const KINDS = ["ORDINARY", "APPEALS", "NOTICES"] as const;
export type Kind = (typeof KINDS)[number];
const number = z.union([z.number(), z.literal("")]);

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  isAppealsQueue: z.boolean(),
  isDefaultQueue: z.boolean(),
  isPaused: z.boolean(),
  openToEveryone: z.boolean(),
  reviewerRoles: z.array(z.string()),
  reviewerIds: z.array(z.string()),
  order: z.enum(ORDERS),
  weights: z.object({ report: number, reporter: number, severity: number }),
  targetMinutes: number,
  hiddenActionIds: z.array(z.string()),
  autoCloseJobs: z.boolean(),
  clearReportsDisposition: z.nullable(z.enum(DISPOSITIONS)),
  clearReportsScope: z.enum(SCOPES),
  clearReportsTriggerActionIds: z.array(z.string()),
  secondReviewShare: number,
  goldenShare: number,
});
export type Values = z.infer<typeof Values>;

/** The hours within which what a notice names, and its copies, is to be removed (TAKE IT DOWN Act). */
const NOTICE_MINUTES = 48 * 60;

/** What a new queue of a kind begins with; a queue is what its fields say, whatever it began as. */
export const BEGINS: Readonly<Record<Kind, Pick<Values, "isAppealsQueue" | "order" | "targetMinutes">>> = {
  ORDINARY: { isAppealsQueue: false, order: "OLDEST_FIRST", targetMinutes: "" },
  APPEALS: { isAppealsQueue: true, order: "OLDEST_FIRST", targetMinutes: "" },
  NOTICES: { isAppealsQueue: false, order: "EARLIEST_DEADLINE", targetMinutes: NOTICE_MINUTES },
};

/** Null: fields were entered that are of none. */
export function kindOf(values: Values): Kind | null {
  return KINDS.find((kind) => Object.entries(BEGINS[kind]).every(([field, value]) => values[field as keyof Values] === value)) ?? null;
}

/** A part as per cent, without what binary fractions add. */
function percent(part: number | undefined): number {
  return Math.round((part ?? 0) * 10_000) / 100;
}

function numberOf(value: number | ""): number {
  return value === "" ? 0 : value;
}

export function valuesOf(queue: Queue | null): Values {
  return {
    name: queue?.name ?? "",
    description: queue?.description ?? "",
    isAppealsQueue: queue?.isAppealsQueue ?? false,
    isDefaultQueue: queue?.isDefaultQueue ?? false,
    isPaused: queue?.isPaused ?? false,
    openToEveryone: queue?.openToEveryone ?? false,
    reviewerRoles: queue?.reviewerRoles ?? [],
    reviewerIds: queue?.reviewerIds ?? [],
    order: queue?.order ?? "OLDEST_FIRST",
    weights: { report: queue?.weights?.report ?? 0, reporter: queue?.weights?.reporter ?? 0, severity: queue?.weights?.severity ?? 0 },
    targetMinutes: queue?.targetMinutes ?? "",
    hiddenActionIds: queue?.hiddenActionIds ?? [],
    autoCloseJobs: queue?.autoCloseJobs ?? false,
    clearReportsDisposition: queue?.clearReportsDisposition ?? null,
    clearReportsScope: queue?.clearReportsScope ?? "CURRENT_QUEUE",
    clearReportsTriggerActionIds: queue?.clearReportsTriggerActionIds ?? [],
    secondReviewShare: percent(queue?.secondReviewShare),
    goldenShare: percent(queue?.goldenShare),
  };
}

export function bodyOf(values: Values): Schema["QueueBody"] {
  const { report, reporter, severity } = values.weights;
  return {
    ...values,
    name: values.name.trim(),
    weights: { report: numberOf(report), reporter: numberOf(reporter), severity: numberOf(severity) },
    targetMinutes: values.targetMinutes === "" ? null : values.targetMinutes,
    secondReviewShare: numberOf(values.secondReviewShare) / 100,
    goldenShare: numberOf(values.goldenShare) / 100,
    // Without what is to be done there is nothing that does it.
    clearReportsTriggerActionIds: values.clearReportsDisposition === null ? [] : values.clearReportsTriggerActionIds,
  };
}

export function listOf(search: ListSearch) {
  return listQuery("queues", search, (query, signal) => take(api.GET("/v1/queues", { params: { query }, signal })));
}

export function read(id: string): Promise<Queue> {
  return take(api.GET("/v1/queues/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function queueQuery(id: string) {
  return queryOptions({ queryKey: ["configuration", "queue", id], queryFn: () => read(id) });
}

export function contentsQuery(id: string) {
  return queryOptions({ queryKey: ["queue-counts", "contents", id], queryFn: ({ signal }) => take(api.GET("/v1/queues/{queue_id}/contents", { params: { path: { queue_id: id } }, signal })) });
}

export function save(values: Values, base: Queue | null): Promise<Queue> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/queues", { body }));
  return take(api.PUT("/v1/queues/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}
