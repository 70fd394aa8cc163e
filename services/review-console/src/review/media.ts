/**
 * The media of a job: by reference, at a stage, from review-api alone.
 *
 * Guarantees: grey and clear are asked for by a reveal, which is counted; what was veiled again is said
 * to be. Nothing is asked of a platform's own addresses.
 */
import { api, take, type Schema } from "@/api/client";
import { problemOf } from "@/api/problem";
import type { LoadStage } from "@/veil/veil";

export type MediaValue = Schema["MediaValueView"];

const VEILED_WIDTH = 404;
const CLEAR_WIDTH = 1280;
const reveals = new Map<string, string>();

export function veiledAddress(ref: string, width: number): string {
  return `/v1/media/${encodeURIComponent(ref)}?stage=veiled&w=${width}`;
}

/** A film is frames beside each other in grey, and plays in colour; a sound plays in both. */
export function loadOf(jobId: string, kind: MediaValue["kind"]): LoadStage {
  return async (ref, stage, signal) => {
    if (stage === "veiled") return bytes(veiledAddress(ref, VEILED_WIDTH), signal);
    const wanted = stage === "grey" && kind !== "AUDIO" ? "grey" : "clear";
    const revealed = await take(api.POST("/v1/media/{ref}/reveal", { params: { path: { ref } }, body: { stage: wanted, jobId }, signal }));
    reveals.set(ref, revealed.id);
    const part = kind === "AUDIO" || (kind === "VIDEO" && wanted === "clear") ? "stream" : kind === "VIDEO" ? "sheet" : "picture";
    return bytes(`${revealed.address}&part=${part}&w=${CLEAR_WIDTH}`, signal);
  };
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
