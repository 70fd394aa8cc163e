/**
 * Choices that follow a person from machine to machine: a document of the account.
 *
 *     signed in ──▶ what the account has is in force ──▶ a change here ──1 s──▶ kept there
 *
 * Guarantees: what was never kept is what this machine has; a change that could not be kept, also
 * because the page was left at once, stays in force here, and is sent with the next one or by the next
 * page of the same person; what could not be read is not written over.
 * Must not: keep theme, density and the master switch, which are of the profile.
 */
import { api, take } from "@/api/client";
import { whenQuiet } from "@/api/quiet";

import { onPreferred, prefer, preference, Travelling } from "./preference";

const KEY = "console";
const PATIENCE_MS = 1000;
/** Whose choice this machine still has to send. */
const UNKEPT = "coop.preference.unkept";

function travelling(): Travelling {
  return Travelling.parse(preference());
}

/** `userId`: who is signed in. Until what it gives is called. */
export function startKeeping(userId: string): () => void {
  const given = JSON.stringify(travelling());
  let known: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const keep = () => {
    const value = travelling();
    const text = JSON.stringify(value);
    if (text === known) return note(null);
    return void take(api.PUT("/v1/me/preferences/{key}", { params: { path: { key: KEY } }, body: { value } }))
      .then(() => {
        known = text;
        if (JSON.stringify(travelling()) === text) note(null);
      })
      .catch(() => undefined);
  };
  const forget = onPreferred(() => {
    if (JSON.stringify(travelling()) === (known ?? given)) return;
    note(userId);
    if (known === null) return;
    clearTimeout(timer);
    timer = setTimeout(keep, PATIENCE_MS);
  });
  // All of them: one that was never kept would be a 404.
  whenQuiet()
    .then(() => take(api.GET("/v1/me/preferences")))
    .then(({ items }) => {
      if (isOver) return;
      const found = Travelling.safeParse(items.find((one) => one.key === KEY)?.value);
      known = found.success ? JSON.stringify(found.data) : given;
      if (noted() === userId) keep();
      else if (found.success) prefer(found.data);
    })
    .catch(() => undefined);
  return () => {
    isOver = true;
    forget();
    clearTimeout(timer);
  };
}

function noted(): string | null {
  try {
    return localStorage.getItem(UNKEPT);
  } catch {
    return null;
  }
}

function note(userId: string | null): void {
  try {
    if (userId === null) localStorage.removeItem(UNKEPT);
    else localStorage.setItem(UNKEPT, userId);
  } catch {
    // A browser that keeps nothing has only this page to send it.
  }
}
