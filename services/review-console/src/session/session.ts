/**
 * Who is signed in.
 *
 *     nobody ──sign in──▶ signed in ──401, its end──▶ ended: sign in again in place, the page stays
 *                             └──sign out──▶ nobody, in every tab
 *
 * Guarantees: one request tells it all (person, permissions, organisation's settings, token against
 * forged requests); the server's clock is read from each answer; who signed in again in one tab is
 * signed in in all, and a tab never goes on as somebody else.
 */
import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { api, onAnswer, onSessionEnd, setCsrfToken, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { tell } from "@/live/tabs";
import { prefer } from "@/preference/preference";

import { counting, used } from "./idle";

export type Session = Schema["SessionView"];
export type Permission = Schema["Permission"];
const LEAVING_MS = 1000;

export type Challenge = Schema["ChallengeView"];

let ended = false;
let token = "";
/** Of whoever signed out, until their pages are gone. */
let leaving: Session | null = null;
const listeners = new Set<() => void>();

function setEnded(is: boolean): void {
  ended = is;
  for (const listener of listeners) listener();
}

/** Signing in is asked for, over the page. */
export function endSession(): void {
  if (queries.getQueryData(sessionQuery.queryKey)) setEnded(true);
}

onSessionEnd(endSession);
onAnswer(used);

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
      const session = adopt(await take(api.GET("/v1/session", { signal })));
      tell({ kind: "signed-in", csrfToken: session.csrfToken });
      return session;
    } catch (error) {
      if (asProblem(error)?.status === 401) return null;
      throw error;
    }
  },
});

function adopt(session: Session): Session {
  token = session.csrfToken;
  setCsrfToken(token);
  counting(Date.parse(session.idleExpiresAt));
  const { theme, density, shortcuts } = session.user.preferences;
  prefer({ theme, density, shortcuts });
  return session;
}

/** A new session, from whichever way of signing in. */
export function enter(session: Session): void {
  queries.setQueryData(sessionQuery.queryKey, adopt(session));
  setEnded(false);
  tell({ kind: "signed-in", csrfToken: session.csrfToken });
  void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
}

/** Somebody signed in in another tab, with this token. */
export async function follow(csrfToken: string): Promise<void> {
  const before = queries.getQueryData(sessionQuery.queryKey);
  if (!before || (csrfToken === token && !ended)) return;
  const session = await take(api.GET("/v1/session"));
  if (session.user.id !== before.user.id) return location.reload();
  queries.setQueryData(sessionQuery.queryKey, adopt(session));
  setEnded(false);
  void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
}

/** Used by its person: it is idle for as long again. */
export async function stay(): Promise<void> {
  const session = await take(api.GET("/v1/session"));
  queries.setQueryData(sessionQuery.queryKey, adopt(session));
}

export async function signOut(): Promise<void> {
  await api.DELETE("/v1/session").catch(() => undefined);
  left();
  tell({ kind: "signed-out" });
}

/** Nobody is signed in any more; nothing of theirs is kept in memory. */
export function left(): void {
  leaving = queries.getQueryData(sessionQuery.queryKey) ?? null;
  setTimeout(() => (leaving = null), LEAVING_MS);
  setCsrfToken("");
  setEnded(false);
  queries.clear();
  queries.setQueryData(sessionQuery.queryKey, null);
}

/** Within the shell there is always one. */
export function useSession(): Session {
  const session = useSuspenseQuery(sessionQuery).data ?? leaving;
  if (!session) throw new Error("no session within the shell");
  return session;
}

/** Whether one of these is held. */
export function usePermission(...wanted: Permission[]): boolean {
  const { permissions } = useSession();
  return wanted.some((one) => permissions.includes(one));
}
