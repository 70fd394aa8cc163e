/**
 * Whether another build answers than the one that this page was loaded with: told by the stream, or seen
 * by a part of this page that is not there any more.
 *
 * Guarantees: nothing loads by itself.
 */
import { useState, useSyncExternalStore } from "react";

import { useLive } from "./stream";

let isGone = false;
const listeners = new Set<() => void>();

/** A part of this build could not be loaded; without a network nothing says that it is gone. */
export function missPart(): void {
  if (!navigator.onLine) return;
  isGone = true;
  for (const listener of listeners) listener();
}

// Vite's own: also of what was to be loaded ahead.
window.addEventListener("vite:preloadError", missPart);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** True from the first time that the stream names another one, or a part of this one was missing. */
export function useNewBuild(loaded: string): boolean {
  const told = useLive("build")?.id;
  const [first] = useState(loaded);
  const gone = useSyncExternalStore(subscribe, () => isGone, () => isGone);
  return gone || (told !== undefined && told !== first);
}

/** Whether a part of a page broke because it could not be loaded. */
export function isMissingPart(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|Importing a module script failed|module script|Unable to preload/i.test(error.message);
}
