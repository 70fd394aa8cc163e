/**
 * Whether a film flashes, as far as it is known, and what somebody chose to play all the same.
 *
 *     LOOKING ──▶ YES, from a moment on   NO   UNKNOWN, also where the answer failed
 *
 * Guarantees: nothing is asked before a film's frames or the film were chosen; who chose to play what is
 * not known to flash has not chosen to play what does; the next job asks again.
 */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

export interface Flashes {
  readonly found: "YES" | "NO" | "UNKNOWN" | "LOOKING";
  /** Seconds, where it does. */
  readonly at: number | null;
}

/** Null: it is still being found out. */
export type FlashesOf = (ref: string, signal: AbortSignal) => Promise<Flashes | null>;

const LOOKING: Flashes = { found: "LOOKING", at: null };
const UNKNOWN: Flashes = { found: "UNKNOWN", at: null };
const RISK = { NO: 0, LOOKING: 1, UNKNOWN: 1, YES: 2 } as const;

export function useFlashes(ref: string, flashesOf: FlashesOf, isWanted: boolean): Flashes {
  const { data, isFetching } = useQuery({
    queryKey: ["media-flashes", ref],
    queryFn: ({ signal }) => flashesOf(ref, signal),
    enabled: isWanted,
    // A film does not change; what was not found out in time is asked for with the next look.
    staleTime: ({ state }) => (state.data ? Infinity : 0),
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    retry: false,
  });
  return data ?? (isFetching ? LOOKING : UNKNOWN);
}

/** How much somebody agreed to, by film, in the job that they are at. */
const agreed = { job: "", films: new Map<string, number>() };

function agreedTo(job: string, film: string): number {
  return agreed.job === job ? (agreed.films.get(film) ?? 0) : 0;
}

interface Agreement {
  /** It may play. */
  readonly isFree: boolean;
  /** It was asked, and waits for an answer. */
  readonly asks: boolean;
  readonly ask: () => void;
  readonly agree: () => void;
}

export function useAgreement(job: string, film: string, { found }: Flashes): Agreement {
  const risk = RISK[found];
  const [most, setMost] = useState(() => agreedTo(job, film));
  const [asked, setAsked] = useState(0);
  const agree = () => {
    if (agreed.job !== job) {
      agreed.job = job;
      agreed.films.clear();
    }
    agreed.films.set(film, risk);
    setMost(risk);
  };
  const isFree = most >= risk;
  return { isFree, asks: !isFree && asked >= risk, ask: () => setAsked(risk), agree };
}
