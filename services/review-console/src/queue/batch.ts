/**
 * One decision on many jobs.
 *
 *     picked ──decide──▶ goes on, job by job ──▶ what became of each ──undo, within the window──▶ taken back
 *
 * Guarantees: at most 200 at once; sent again it is the same batch, which goes on where it stopped; what
 * somebody else holds, what is closed and what is about child safety is left as it is, and says so.
 */
import { api, take, type Schema } from "@/api/client";
import { untilAnswered } from "@/review/unsent";

export type Batch = Schema["BatchDecisionView"];
export type Body = Schema["BatchDecisionBody"];

export const MOST = 200;
const LOOK_MS = 400;

export type State = Batch["jobs"][number]["state"];
export const STATES: readonly State[] = ["DECIDED", "HELD", "CLOSED", "REFUSED", "UNDONE", "WAITING"];

/** How many jobs are in each state, those alone that there are. */
export function tallyOf(batch: Batch): [State, number][] {
  return STATES.flatMap((state) => {
    const count = batch.jobs.filter((one) => one.state === state).length;
    return count > 0 ? [[state, count] as [State, number]] : [];
  });
}

/** A batch that is made: sent again it is the same one, by its id. */
export function batchOf(body: Omit<Body, "id">): Body {
  return { id: crypto.randomUUID(), ...body };
}

/** Whether both ask for the same, whatever they are called. */
export function isSameBatch(one: Body, other: Body): boolean {
  return JSON.stringify({ ...one, id: "" }) === JSON.stringify({ ...other, id: "" });
}

/** Until no job waits; `told` is told how far it is. Sent again after a fault it goes on. */
export async function decideAll(what: string, sent: Body, told: (batch: Batch) => void): Promise<Batch> {
  let batch = await untilAnswered(what, () => take(api.POST("/v1/batch-decisions", { body: sent })));
  told(batch);
  while (batch.jobs.some((one) => one.state === "WAITING")) {
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
    batch = await untilAnswered(what, () => take(api.GET("/v1/batch-decisions/{batch_id}", { params: { path: { batch_id: sent.id } } })));
    told(batch);
  }
  return batch;
}

export function undoAll(batchId: string): Promise<Batch> {
  return take(api.POST("/v1/batch-decisions/{batch_id}/undo", { params: { path: { batch_id: batchId } } }));
}
