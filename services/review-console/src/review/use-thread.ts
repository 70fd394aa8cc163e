/** The conversation of a job, loaded further both ways. */
import { useMemo, useRef, useState } from "react";

import { api, take } from "@/api/client";

import type { Context, Item, ItemType } from "./context";
import { merged } from "./thread-rows";

const PAGE = 100;

interface Way {
  readonly can: boolean;
  readonly load: () => void;
}

export interface ThreadParts {
  readonly messages: readonly Item[];
  readonly types: readonly ItemType[];
  readonly before: Way;
  readonly after: Way;
  readonly error: unknown;
  readonly again: () => void;
}

interface State {
  readonly older: readonly Item[];
  readonly newer: readonly Item[];
  readonly types: readonly ItemType[];
  readonly before: string | null;
  readonly after: string | null;
  readonly error: unknown;
}

export function useThread(context: Context): ThreadParts {
  const [state, setState] = useState<State>({ older: [], newer: [], types: [], before: context.thread.before, after: context.thread.after, error: null });
  const busy = useRef({ BEFORE: false, AFTER: false });
  const jobId = context.job.id;
  const load = (direction: "BEFORE" | "AFTER", cursor: string | null) => {
    if (cursor === null || busy.current[direction]) return;
    busy.current[direction] = true;
    take(api.GET("/v1/jobs/{job_id}/thread", { params: { path: { job_id: jobId }, query: { direction, cursor, limit: PAGE } } }))
      .then((page) =>
        setState((old) => ({
          ...old,
          error: null,
          types: [...old.types, ...page.types],
          ...(direction === "BEFORE" ? { older: [...page.items, ...old.older], before: page.nextCursor } : { newer: [...old.newer, ...page.items], after: page.nextCursor }),
        })),
      )
      .catch((error: unknown) => setState((old) => ({ ...old, error })))
      .finally(() => {
        busy.current[direction] = false;
      });
  };
  const messages = useMemo(() => merged(state.older, context.thread.items, state.newer), [state.older, state.newer, context.thread.items]);
  const types = useMemo(() => [...context.types, ...state.types], [context.types, state.types]);
  const can = state.error === null;
  return {
    messages,
    types,
    before: { can: can && state.before !== null, load: () => load("BEFORE", state.before) },
    after: { can: can && state.after !== null, load: () => load("AFTER", state.after) },
    error: state.error,
    again: () => setState((old) => ({ ...old, error: null })),
  };
}
