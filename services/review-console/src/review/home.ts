/** Where the focus is while nothing else has it: on the evidence, so that the keys of the page work; and
 * from when on they are meant for what is there. */
import { useCallback, useEffect, useRef } from "react";

const HOMES = ["#job-emptied", "#job-thread", "[data-block]", "#page"];

/** Whether nobody would miss the focus: nothing has it, or only where it rests. */
function isFree(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || HOMES.some((one) => activeElement.matches(one));
}

/** Of what has just come: it gets the focus, unless somebody types or chose something meanwhile. */
export function arrive(target: HTMLElement | null): void {
  if (isFree()) target?.focus({ preventScroll: true });
}

export function goHome(): void {
  for (const one of HOMES) {
    const found = document.querySelector<HTMLElement>(one);
    if (found) return found.focus({ preventScroll: true });
  }
}

/** What had the focus may be gone by what was done: then it is at home, and never nowhere. */
export function useNeverLost(): void {
  useEffect(() => {
    const look = () =>
      requestAnimationFrame(() => {
        const isLost = document.activeElement === null || document.activeElement === document.body;
        if (isLost && document.hasFocus() && document.querySelector('[role="dialog"]') === null) goHome();
      });
    const events = ["keydown", "keyup", "focusout"] as const;
    for (const one of events) window.addEventListener(one, look);
    return () => {
      for (const one of events) window.removeEventListener(one, look);
    };
  }, []);
}

/** Whether the page was painted: nobody means what they cannot have seen. */
export function useSeen(): () => boolean {
  const isSeen = useRef(false);
  useEffect(() => {
    // The second frame begins after the first was painted.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        isSeen.current = true;
      });
    });
    return () => cancelAnimationFrame(frame);
  }, []);
  return useCallback(() => isSeen.current, []);
}
