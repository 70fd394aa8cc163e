/**
 * Stepping away: the screen is blank at once, and what I hold goes back to its queue without a skip.
 */
import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";

import { queries } from "@/api/query";
import { Keys, useCommand } from "@/key/keys";
import { claimsQuery, giveBack } from "@/review/claim";
import { useWords } from "@/words/words";

import classes from "./shell.module.css";
import { words } from "./words";

interface Away {
  readonly given: number;
  readonly failed: number;
}

export function useAway(): { isAway: boolean; leave: () => void; screen: ReactNode } {
  const [away, setAway] = useState<Away | null>(null);
  const leave = () => {
    setAway((before) => before ?? { given: 0, failed: 0 });
    void release().then(setAway);
  };
  return { isAway: away !== null, leave, screen: away ? <AwayScreen away={away} back={() => setAway(null)} /> : null };
}

async function release(): Promise<Away> {
  const held = await queries.fetchQuery({ ...claimsQuery, staleTime: 0 }).catch(() => []);
  const results = await Promise.allSettled(held.map((one) => giveBack(one.job.id, one.lease.token)));
  const given = results.filter((one) => one.status === "fulfilled").length;
  return { given, failed: results.length - given };
}

function AwayScreen({ away, back }: { away: Away; back: () => void }) {
  const say = useWords(words);
  useCommand({ id: "away.back", scope: "dialog", keys: "Enter", label: say("comeBack"), run: back });
  return (
    <div className={classes.away} role="dialog" aria-modal="true" aria-labelledby="away">
      <h1 id="away">{say("awayTitle")}</h1>
      <p className="dim">{say("awayText", { count: away.given })}</p>
      {away.failed > 0 ? <p>{say("awayFailed", { count: away.failed })}</p> : null}
      <Button variant="filled" autoFocus onClick={back} rightSection={<Keys of="away.back" fallback="Enter" />}>
        {say("comeBack")}
      </Button>
    </div>
  );
}
