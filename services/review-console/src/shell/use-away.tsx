/**
 * Stepping away: the screen is blank at once, and what I hold goes back to its queue without a skip.
 */
import { Button } from "@mantine/core";
import { useCallback, useState, type ReactNode } from "react";

import { Keys, useCommand } from "@/key/keys";
import { giveAllBack } from "@/review/claim";
import { veilAll } from "@/veil/again";
import { useWords } from "@/words/words";

import classes from "./shell.module.css";
import { words } from "./words";

interface Away {
  readonly given: number;
  readonly isHeld: boolean;
}

export function useAway(): { isAway: boolean; leave: () => void; screen: ReactNode } {
  const [away, setAway] = useState<Away | null>(null);
  const leave = useCallback(() => {
    veilAll();
    setAway((before) => before ?? { given: 0, isHeld: false });
    giveAllBack()
      .then((given) => setAway((before) => before && { given, isHeld: false }))
      // What is held comes back by itself when its time is over.
      .catch(() => setAway((before) => before && { given: 0, isHeld: true }));
  }, []);
  return { isAway: away !== null, leave, screen: away ? <AwayScreen away={away} back={() => setAway(null)} /> : null };
}

function AwayScreen({ away, back }: { away: Away; back: () => void }) {
  const say = useWords(words);
  useCommand({ id: "away.back", scope: "dialog", keys: "Enter", label: say("comeBack"), run: back });
  return (
    <div className={classes.away} role="dialog" aria-modal="true" aria-labelledby="away">
      <h1 id="away">{say("awayTitle")}</h1>
      <p className="dim">{say("awayText", { count: away.given })}</p>
      {away.isHeld ? <p>{say("awayFailed")}</p> : null}
      <Button variant="filled" autoFocus onClick={back} rightSection={<Keys of="away.back" fallback="Enter" />}>
        {say("comeBack")}
      </Button>
    </div>
  );
}
