/**
 * The cache of what the API said.
 *
 * Guarantees: what passes by itself (no network, 502, 503) is asked for again up to five times, after
 * what the server says or else twice as long each time, with jitter, so that a restart does not meet
 * all pages at once; nothing else is. While there is no network, nothing is asked.
 */
import { QueryClient } from "@tanstack/react-query";

import { asProblem } from "./problem";

const TRIES = 5;
const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export function retryDelay(attempt: number, error: unknown, random: () => number = Math.random): number {
  const asked = asProblem(error)?.retryAfter;
  const wait = asked ? asked * 1000 : Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
  return wait * (1 + random() / 2);
}

export function shouldRetry(failures: number, error: unknown): boolean {
  return failures < TRIES && (asProblem(error)?.passes ?? false);
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: shouldRetry,
      retryDelay: (attempt, error) => retryDelay(attempt, error),
      staleTime: 30_000,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});
