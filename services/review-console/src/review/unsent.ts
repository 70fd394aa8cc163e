/**
 * What was decided and is not answered yet: sent again, the same, until it is.
 *
 *     sent ──answer──▶ done, or refused
 *       └──no network, 502, 503──▶ waits ──online again, or after its time──▶ sent again, the same
 *
 * Guarantees: what is repeated is the same request, which the server does once; whoever closes the page
 * meanwhile is asked; after ten minutes it is refused in words, and nothing of it is lost.
 */
import { onlineManager } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { asProblem } from "@/api/problem";
import { retryDelay } from "@/api/query";

const PATIENCE_MS = 10 * 60_000;
const LONGEST = 3;

let waiting: readonly string[] = [];
const listeners = new Set<() => void>();

function setWaiting(next: readonly string[]): void {
  waiting = next;
  for (const listener of listeners) listener();
  if (next.length > 0) window.addEventListener("beforeunload", ask);
  else window.removeEventListener("beforeunload", ask);
}

function ask(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** What waits for the connection, in words; newest last. */
export function useUnsent(): readonly string[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting,
    () => waiting,
  );
}

/** `what` in words, for whoever waits. `send` must be the same request each time. */
export async function untilAnswered<T>(what: string, send: () => Promise<T>): Promise<T> {
  const began = Date.now();
  let isWaiting = false;
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        return await send();
      } catch (error) {
        if (!asProblem(error)?.passes || Date.now() - began > PATIENCE_MS) throw error;
        if (!isWaiting) setWaiting([...waiting, what]);
        isWaiting = true;
        await pause(retryDelay(Math.min(tries, LONGEST), error));
      }
    }
  } finally {
    if (isWaiting) setWaiting(withoutOne(waiting, what));
  }
}

function withoutOne(all: readonly string[], what: string): readonly string[] {
  const at = all.indexOf(what);
  return all.filter((_, index) => index !== at);
}

/** That long, or until the network is back. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const off = onlineManager.subscribe((online) => online && end());
  });
}
