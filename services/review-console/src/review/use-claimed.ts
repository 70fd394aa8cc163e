/**
 * The second review that I have: one at a time.
 *
 *     asked for ──▶ mine ──answer, skip──▶ the next one
 *        └──the page is left──▶ given back, also when it comes only then
 *
 * Guarantees: none stays claimed for a page that is gone; an answer that is on its way keeps its claim.
 */
import { useCallback, useEffect, useRef, useState } from "react";

import { ApiProblem, asProblem } from "@/api/problem";

import { claimSecond, giveSecondBack, type SecondClaim } from "./second-review";

export interface Claimed {
  readonly claim: SecondClaim | null;
  readonly error: ApiProblem | null;
  readonly isPending: boolean;
  readonly next: () => void;
  readonly extended: (expiresAt: string) => void;
  /** While an answer is on its way it is not given back, whoever leaves the page. */
  readonly answering: (work: Promise<unknown>) => Promise<unknown>;
}

export function useClaimed(queueId: string | null): Claimed {
  const [state, setState] = useState<Pick<Claimed, "claim" | "error" | "isPending">>({ claim: null, error: null, isPending: true });
  const held = useRef<SecondClaim | null>(null);
  /** Of the page as it is now: what was asked for under another number comes too late. */
  const turn = useRef(0);
  const next = useCallback(() => {
    const mine = turn.current;
    held.current = null;
    claimSecond(queueId)
      .then((claim) => {
        if (turn.current !== mine) {
          if (claim) giveSecondBack(claim);
          return;
        }
        held.current = claim;
        setState({ claim, error: null, isPending: false });
      })
      .catch((error: unknown) => {
        if (turn.current === mine) setState({ claim: null, error: asProblem(error) ?? new ApiProblem("internal", 0), isPending: false });
      });
  }, [queueId]);
  useEffect(() => {
    const leave = () => {
      if (held.current) giveSecondBack(held.current);
      held.current = null;
    };
    next();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      turn.current += 1;
      leave();
    };
  }, [next]);
  const extended = (expiresAt: string) => setState((before) => ({ ...before, claim: before.claim && { ...before.claim, lease: { ...before.claim.lease, expiresAt } } }));
  const answering = async (work: Promise<unknown>) => {
    const [mine, claim] = [turn.current, held.current];
    held.current = null;
    try {
      await work;
      // Whoever left meanwhile wants no other one.
      if (turn.current === mine) next();
    } catch (error) {
      if (turn.current === mine) held.current = claim;
      else if (claim) giveSecondBack(claim);
      throw error;
    }
  };
  return { ...state, next, extended, answering };
}
