/**
 * What a page shows first comes first: what else is asked for waits until that is painted.
 *
 *     loading ──the first answers are painted, or 3 s──▶ quiet, from then on
 *
 * Guarantees: where nothing was begun with `firstComesFirst`, as in tests, it is quiet at once.
 */
import { useSyncExternalStore } from "react";

import { queries } from "./query";

const PATIENCE_MS = 3_000;
const IDLE_MS = 500;
let isQuiet = true;
const listeners = new Set<() => void>();

/** Of a query: nothing is painted without it. */
export const FIRST = { isFirst: true } as const;

/** As a page is loaded; the queries of `FIRST` have begun. */
export function firstComesFirst(): void {
  isQuiet = false;
  setTimeout(settle, PATIENCE_MS);
  const look = () => {
    if (isQuiet || queries.isFetching({ predicate: (query) => query.meta?.["isFirst"] === true }) > 0) return;
    stop();
    // The second frame begins once the first was painted.
    requestAnimationFrame(() => requestAnimationFrame(whenIdle));
  };
  const stop = queries.getQueryCache().subscribe(look);
  look();
}

function whenIdle(): void {
  // Safari has it not.
  if ("requestIdleCallback" in window) requestIdleCallback(settle, { timeout: IDLE_MS });
  else setTimeout(settle);
}

function settle(): void {
  if (isQuiet) return;
  isQuiet = true;
  for (const listener of listeners) listener();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useQuiet(): boolean {
  return useSyncExternalStore(listen, () => isQuiet, () => isQuiet);
}

export function whenQuiet(): Promise<void> {
  return new Promise((resolve) => {
    if (isQuiet) return resolve();
    const forget = listen(() => {
      forget();
      resolve();
    });
  });
}
