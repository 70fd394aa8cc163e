/**
 * What outlives a job on the way to the next: the decision that can still be taken back, and decisions
 * that were refused after their reviewer had gone on.
 *
 * Guarantees: what was refused is said until somebody goes back to it, decides it, or lays it aside.
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
  /** What was left when somebody came to its notice, who is there still; not above zero: it was sent by then. */
  readonly stood?: number | undefined;
  /** Why it could not be taken back. */
  readonly failed?: string | undefined;
}

/** A decision that was refused while its reviewer was at another job already. */
export interface Aside {
  readonly jobId: string;
  readonly what: string;
  readonly about: string;
  readonly problem: ApiProblem;
}

let done: Done | null = null;
let aside: readonly Aside[] = [];
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

/** If it is still the one that can be taken back. */
export function changeDone(decisionId: string, change: Partial<Pick<Done, "until" | "stood" | "failed">>): void {
  if (done?.decisionId !== decisionId) return;
  done = { ...done, ...change };
  announce();
}

export function useDone(): Done | null {
  return useSyncExternalStore(subscribe, () => done, () => done);
}

export function setRefused(jobId: string, problem: ApiProblem | null): void {
  if (problem) refused.set(jobId, problem);
  else {
    refused.delete(jobId);
    aside = aside.filter((one) => one.jobId !== jobId);
  }
  announce();
}

export function setAside(one: Aside): void {
  aside = [...aside.filter((other) => other.jobId !== one.jobId), one];
  announce();
}

/** Somebody went back to it, or has seen it. */
export function dropAside(jobId: string): void {
  aside = aside.filter((one) => one.jobId !== jobId);
  announce();
}

/** Oldest first. */
export function useAside(): readonly Aside[] {
  return useSyncExternalStore(subscribe, () => aside, () => aside);
}

export function useRefused(jobId: string): ApiProblem | null {
  const read = () => refused.get(jobId) ?? null;
  return useSyncExternalStore(subscribe, read, read);
}

/** How many were decided since the page was loaded: for those who listen. */
export function decidedSoFar(): number {
  return decided;
}
