/**
 * Who is signed in.
 *
 *     nobody ──sign in──▶ signed in ──401──▶ ended: sign in again in place, the page stays
 *                             └──sign out──▶ nobody, in every tab
 *
 * Guarantees: one request tells it all (person, permissions, organisation's settings, token against
 * forged requests); the server's clock is read from each answer.
 */
import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { api, onSessionEnd, setCsrfToken, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { tell } from "@/live/tabs";
import { prefer } from "@/preference/preference";

export type Session = Schema["SessionView"];
export type Permission = Schema["Permission"];
export type Challenge = Schema["ChallengeView"];

let ended = false;
const listeners = new Set<() => void>();

function setEnded(is: boolean): void {
  ended = is;
  for (const listener of listeners) listener();
}

onSessionEnd(() => {
  if (queries.getQueryData(sessionQuery.queryKey)) setEnded(true);
});

/** True from the first 401 until somebody signed in again. */
export function useSessionEnded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => ended,
    () => ended,
  );
}

/** Null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: Infinity,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return adopt(await take(api.GET("/v1/session", { signal })));
    } catch (error) {
      if (asProblem(error)?.status === 401) return null;
      throw error;
    }
  },
});

function adopt(session: Session): Session {
  setCsrfToken(session.csrfToken);
  const { theme, density, shortcuts } = session.user.preferences;
  prefer({ theme, density, shortcuts });
  return session;
}

/** A new session, from whichever way of signing in. */
export function enter(session: Session): void {
  queries.setQueryData(sessionQuery.queryKey, adopt(session));
  setEnded(false);
  tell({ kind: "signed-in" });
  void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
}

export async function signOut(): Promise<void> {
  await api.DELETE("/v1/session").catch(() => undefined);
  left();
  tell({ kind: "signed-out" });
}

/** Nobody is signed in any more; nothing of theirs is kept in memory. */
export function left(): void {
  setCsrfToken("");
  setEnded(false);
  queries.clear();
  queries.setQueryData(sessionQuery.queryKey, null);
}

/** Within the shell there is always one. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new Error("no session within the shell");
  return data;
}

/** Whether one of these is held. */
export function usePermission(...wanted: Permission[]): boolean {
  const { permissions } = useSession();
  return wanted.some((one) => permissions.includes(one));
}
