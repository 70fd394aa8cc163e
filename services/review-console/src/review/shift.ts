/**
 * What outlives a job on the way to the next: the decision that can still be taken back, and a decision
 * that was refused after its reviewer had gone on.
 */
import { useSyncExternalStore } from "react";

import type { ApiProblem } from "@/api/problem";

import type { Entered } from "./entered";

export interface Done {
  readonly decisionId: string;
  readonly jobId: string;
  readonly queueId: string;
  /** What was decided, and on whom. */
  readonly what: string;
  readonly about: string;
  readonly entered: Entered;
  /** Until then nothing of it is sent (milliseconds of the server's clock); the window is that long. */
  readonly until: number;
  readonly window: number;
}

let done: Done | null = null;
let decided = 0;
const refused = new Map<string, ApiProblem>();
const listeners = new Set<() => void>();

function announce(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setDone(next: Done | null): void {
  if (next !== null) decided += 1;
  done = next;
  announce();
}

export function useDone(): Done | null {
  return useSyncExternalStore(subscribe, () => done, () => done);
}

export function setRefused(jobId: string, problem: ApiProblem | null): void {
  if (problem) refused.set(jobId, problem);
  else refused.delete(jobId);
  announce();
}

export function useRefused(jobId: string): ApiProblem | null {
  const read = () => refused.get(jobId) ?? null;
  return useSyncExternalStore(subscribe, read, read);
}

/** How many were decided since the page was loaded: for those who listen. */
export function decidedSoFar(): number {
  return decided;
}
