/**
 * What I entered for a job: kept at once in this browser, and a moment later as my draft on the server.
 *
 * Guarantees: it outlives a reload, a lost lease, a refusal, and a server that is away; the newer of
 * this browser's and the server's counts; other tabs with the same job show it as it changes.
 */
import { useCallback, useEffect, useRef, useState } from "react";

import { api, type Schema } from "@/api/client";

import { draftOf, enteredOf, isEmpty, type Entered } from "./entered";

const QUIET_MS = 700;

interface Kept {
  readonly at: number;
  readonly content: Record<string, unknown>;
}

function place(jobId: string): string {
  return `coop.draft.${jobId}`;
}

function read(jobId: string): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(place(jobId)) ?? "null") as Kept | null;
    return kept && typeof kept.at === "number" && typeof kept.content === "object" ? kept : null;
  } catch {
    return null;
  }
}

/** Kept in this browser; what the server has may lag behind. */
export function keepHere(jobId: string, entered: Entered): void {
  try {
    localStorage.setItem(place(jobId), JSON.stringify({ at: Date.now(), content: draftOf(entered) } satisfies Kept));
  } catch {
    // A browser that keeps nothing still has the server's.
  }
}

/** It was decided: there is nothing to keep. */
export function dropHere(jobId: string): void {
  try {
    localStorage.removeItem(place(jobId));
  } catch {
    // Nothing was kept.
  }
}

function begun(jobId: string, draft: Schema["DraftView"] | null): Entered {
  const here = read(jobId);
  if (here && (draft === null || here.at > Date.parse(draft.savedAt))) return enteredOf(here.content);
  return enteredOf(draft?.content ?? {});
}

async function send(jobId: string, entered: Entered): Promise<void> {
  const path = { job_id: jobId };
  if (isEmpty(entered)) await api.DELETE("/v1/jobs/{job_id}/draft", { params: { path } });
  else await api.PUT("/v1/jobs/{job_id}/draft", { params: { path }, body: { content: draftOf(entered) as Schema["DraftBody"]["content"] } });
}

export interface Editing {
  readonly entered: Entered;
  readonly change: (next: Entered) => void;
  /** Nothing is sent of it any more: it was decided. */
  readonly end: () => void;
  /** SAVED: the server has it; LOCAL: this browser alone. */
  readonly kept: "NOTHING" | "SAVING" | "SAVED" | "LOCAL";
}

export function useEntered(jobId: string, draft: Schema["DraftView"] | null): Editing {
  const [entered, setEntered] = useState(() => begun(jobId, draft));
  const [kept, setKept] = useState<Editing["kept"]>(isEmpty(entered) ? "NOTHING" : "SAVED");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const waiting = useRef<Entered | null>(null);

  const flush = useCallback(() => {
    clearTimeout(timer.current);
    const next = waiting.current;
    if (next === null) return;
    waiting.current = null;
    send(jobId, next).then(
      () => setKept(isEmpty(next) ? "NOTHING" : "SAVED"),
      () => {
        waiting.current ??= next;
        setKept("LOCAL");
      },
    );
  }, [jobId]);

  const change = useCallback(
    (next: Entered) => {
      setEntered(next);
      keepHere(jobId, next);
      waiting.current = next;
      setKept("SAVING");
      clearTimeout(timer.current);
      timer.current = setTimeout(flush, QUIET_MS);
    },
    [jobId, flush],
  );

  const end = useCallback(() => {
    clearTimeout(timer.current);
    waiting.current = null;
    dropHere(jobId);
  }, [jobId]);

  useEffect(() => {
    const elsewhere = (event: StorageEvent) => {
      if (event.key !== place(jobId)) return;
      const here = read(jobId);
      if (here) setEntered(enteredOf(here.content));
    };
    window.addEventListener("storage", elsewhere);
    window.addEventListener("online", flush);
    return () => {
      window.removeEventListener("storage", elsewhere);
      window.removeEventListener("online", flush);
      flush();
    };
  }, [jobId, flush]);

  return { entered, change, end, kept };
}
