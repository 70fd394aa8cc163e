/**
 * What I entered for a job: kept at once in this browser, and a moment later as my draft on the server.
 *
 * Guarantees: it outlives a reload, a lost lease, a refusal, and a server that is away; the newer of
 * this browser's and the server's counts, by when it was entered (`at` of the draft, of the server's
 * clock) and not by when it came; one draft of a job is on its way at a time, so that an older one
 * never comes last; other tabs with the same job show it as it changes.
 */
import { useCallback, useEffect, useRef, useState } from "react";

import { api, type Schema } from "@/api/client";
import { now } from "@/time/moment";

import { draftOf, enteredOf, isEmpty, type Entered } from "./entered";

const QUIET_MS = 700;

interface Kept {
  /** When it was entered: milliseconds of the server's clock. */
  readonly at: number;
  readonly content: Readonly<Record<string, unknown>>;
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
export function keepHere(jobId: string, entered: Entered, at: number = now()): void {
  try {
    localStorage.setItem(place(jobId), JSON.stringify({ at, content: draftOf(entered) } satisfies Kept));
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

/** What the server has. A refused decision was put there by the server itself, which says when. */
function there(draft: Schema["DraftView"] | null): Kept | null {
  if (draft === null) return null;
  const { at } = draft.content;
  return { at: typeof at === "number" ? at : Date.parse(draft.savedAt), content: draft.content };
}

interface Begun {
  readonly entered: Entered;
  /** The server has an older one, or none. */
  readonly isAhead: boolean;
}

function begun(jobId: string, draft: Schema["DraftView"] | null): Begun {
  const [here, theirs] = [read(jobId), there(draft)];
  const mine = enteredOf(here?.content ?? {});
  const isAhead = here !== null && (theirs === null ? !isEmpty(mine) : here.at > theirs.at);
  return { entered: isAhead ? mine : enteredOf(theirs?.content ?? {}), isAhead };
}

interface Waiting {
  readonly at: number;
  readonly entered: Entered;
}

async function send(jobId: string, { at, entered }: Waiting): Promise<void> {
  const path = { job_id: jobId };
  if (isEmpty(entered)) await api.DELETE("/v1/jobs/{job_id}/draft", { params: { path } });
  else await api.PUT("/v1/jobs/{job_id}/draft", { params: { path }, body: { content: { ...draftOf(entered), at } as Schema["DraftBody"]["content"] } });
}

const lines = new Map<string, Promise<unknown>>();

/** After what is on its way for this job already, however that ends. */
function inLine<T>(jobId: string, work: () => Promise<T>): Promise<T> {
  const mine = (lines.get(jobId) ?? Promise.resolve()).then(work, work);
  const over = () => {
    if (lines.get(jobId) === mine) lines.delete(jobId);
  };
  lines.set(jobId, mine);
  mine.then(over, over);
  return mine;
}

export interface Editing {
  readonly entered: Entered;
  readonly change: (next: Entered) => void;
  /** Nothing is sent of it any more: it was decided. */
  readonly end: () => void;
  /** SAVED: the server has it; LOCAL: this browser alone. */
  readonly kept: "NOTHING" | "SAVING" | "SAVED" | "LOCAL";
}

export function useEntered(jobId: string, draft: Schema["DraftView"] | null, isOpen = true): Editing {
  const [first] = useState(() => begun(jobId, draft));
  const [entered, setEntered] = useState(first.entered);
  const [kept, setKept] = useState<Editing["kept"]>(isEmpty(entered) ? "NOTHING" : first.isAhead ? "LOCAL" : "SAVED");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const waiting = useRef<Waiting | null>(null);

  const flush = useCallback(() => {
    clearTimeout(timer.current);
    void inLine(jobId, async () => {
      // The newest of what was entered while another one was on its way.
      const next = waiting.current;
      if (next === null) return;
      waiting.current = null;
      try {
        await send(jobId, next);
        if (waiting.current === null) setKept(isEmpty(next.entered) ? "NOTHING" : "SAVED");
      } catch {
        waiting.current ??= next;
        setKept("LOCAL");
      }
    });
  }, [jobId]);

  const change = useCallback(
    (next: Entered) => {
      const at = now();
      setEntered(next);
      keepHere(jobId, next, at);
      waiting.current = { at, entered: next };
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
    // The server gets what it has not, also where nothing is entered any more.
    const here = first.isAhead && isOpen ? read(jobId) : null;
    if (here === null) return;
    waiting.current = { at: here.at, entered: first.entered };
    flush();
  }, [first, jobId, isOpen, flush]);

  useEffect(() => {
    const elsewhere = (event: StorageEvent) => {
      if (event.key !== place(jobId)) return;
      const here = read(jobId);
      if (!here) return;
      // Whoever entered it there sends it.
      waiting.current = null;
      setEntered(enteredOf(here.content));
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
