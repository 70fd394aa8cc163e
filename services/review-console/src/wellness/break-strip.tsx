/** It is time for a break: said once, put off for a quarter of an hour, never in the way of a decision. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Keys } from "@/key/keys";
import { keys } from "@/key/registry";
import { now, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./wellness.module.css";
import { exposureQuery } from "./wellness";
import { words } from "./words";

const EVERY = 2 * 60_000;
const LATER = 15 * 60_000;

export function BreakStrip({ leave, leaveLabel }: { leave: () => void; leaveLabel: string }) {
  const say = useWords(words);
  const { data } = useQuery({ ...exposureQuery, refetchInterval: EVERY, retry: false });
  const [putOffUntil, putOff] = useState(0);
  const clock = useNow(30);
  if (!data?.breakDue || clock < putOffUntil) return null;
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
