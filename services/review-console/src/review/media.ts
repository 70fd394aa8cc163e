/**
 * The media of a job: by reference, at a stage, from review-api alone.
 *
 * Guarantees: grey and clear are asked for by a reveal, which is counted; what was veiled again is said
 * to be. Nothing is asked of a platform's own addresses.
 */
import { api, take, type Schema } from "@/api/client";
import { problemOf } from "@/api/problem";
import type { Flashes } from "@/veil/flash";
import type { LoadStage } from "@/veil/veil";
import { revealed as seen } from "@/wellness/wellness";

export type MediaValue = Schema["MediaValueView"];

const VEILED_WIDTH = 404;
/** As large as it is made: enlarged eight times, it is looked at closely. */
const CLEAR_WIDTH = 2048;
const reveals = new Map<string, string>();

export function veiledAddress(ref: string, width: number): string {
  return `/v1/media/${encodeURIComponent(ref)}?stage=veiled&w=${width}`;
}

/** For what a medium is looked at: a job, or to investigate. */
export type Purpose = Omit<Schema["RevealBody"], "stage">;

/** A film is frames beside each other in grey, and plays in colour; a sound has its wave, and plays. */
export function loadOf(purpose: Purpose, kind: MediaValue["kind"]): LoadStage {
  return async (ref, stage, signal) => {
    if (stage === "veiled") return bytes(`${veiledAddress(ref, VEILED_WIDTH)}${kind === "VIDEO" ? "&part=sheet" : ""}`, signal);
    const wanted = stage === "grey" ? "grey" : "clear";
    const revealed = await take(api.POST("/v1/media/{ref}/reveal", { params: { path: { ref } }, body: { stage: wanted, ...purpose }, signal }));
    reveals.set(ref, revealed.id);
    seen(revealed.breakDue);
    if (wanted === "clear" && kind !== "IMAGE" && kind !== null) return `${revealed.address}&part=stream`;
    return bytes(`${revealed.address}&part=${kind === "VIDEO" ? "sheet" : "picture"}&w=${CLEAR_WIDTH}`, signal);
  };
}

/** Whether a film flashes: it is looked at whole for that, which takes seconds. */
export async function flashesOf(ref: string, signal: AbortSignal): Promise<Flashes | null> {
  const { flashes, flashesAt } = await take(api.GET("/v1/media/{ref}/facts", { params: { path: { ref }, query: { flashes: true } }, signal }));
  return flashes === null ? null : { found: flashes, at: flashesAt };
}

/** It is seen no longer. */
export function veiledAgain(ref: string): void {
  const id = reveals.get(ref);
  if (id === undefined) return;
  reveals.delete(ref);
  void api.DELETE("/v1/me/reveals/{reveal_id}", { params: { path: { reveal_id: id } } }).catch(() => undefined);
}

async function bytes(address: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(address, { signal });
  if (!response.ok) throw await problemOf(response);
  return response.blob();
}
