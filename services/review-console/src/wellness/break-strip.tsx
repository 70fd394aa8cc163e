/** It is time for a break: said once, put off for a quarter of an hour, never in the way of a decision. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { useQuiet } from "@/api/quiet";
import { Keys } from "@/key/keys";
import { keys } from "@/key/registry";
import { now, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./wellness.module.css";
import { exposureQuery } from "./wellness";
import { words } from "./words";

const EVERY = 2 * 60_000;
const LATER = 15 * 60_000;
const PLACE = "coop.break.later";

/** Until when it was put off (milliseconds), in every tab. */
function putOffUntil(): number {
  try {
    return Number(localStorage.getItem(PLACE)) || 0;
  } catch {
    return 0;
  }
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

function putOff(until: number): void {
  try {
    localStorage.setItem(PLACE, String(until));
  } catch {
    // Then it is said again when the page is loaded.
  }
  for (const listener of listeners) listener();
}

export function BreakStrip({ leave, leaveLabel }: { leave: () => void; leaveLabel: string }) {
  const say = useWords(words);
  const { data } = useQuery({ ...exposureQuery, refetchInterval: EVERY, retry: false, enabled: useQuiet() });
  const until = useSyncExternalStore(subscribe, putOffUntil, putOffUntil);
  const clock = useNow(30);
  if (!data?.breakDue || clock < until) return null;
  return (
    <div className={classes.strip}>
      <span>{say("breakDue", { graphic: data.stretch.graphic })}</span>
      <Button size="compact-sm" onClick={leave} rightSection={keys.isOn ? <Keys of="shell.away" fallback="Alt+0" /> : null}>
        {leaveLabel}
      </Button>
      <Button size="compact-sm" variant="subtle" onClick={() => putOff(now() + LATER)}>
        {say("later")}
      </Button>
    </div>
  );
}
