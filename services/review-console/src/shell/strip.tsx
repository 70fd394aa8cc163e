/** Lines over the page about the connection and the session; each goes away by itself. */
import { Button } from "@mantine/core";
import { onlineManager } from "@tanstack/react-query";
import { IconPlugConnectedX, IconRefresh } from "@tabler/icons-react";
import { useEffect, useState, useSyncExternalStore } from "react";

import { Severity } from "@/look/severity";
import { useNewBuild } from "@/live/build";
import { useConnected } from "@/live/stream";
import { idleEnd } from "@/session/idle";
import { endSession, stay, useSession, useSessionEnded } from "@/session/session";
import { clockOf, now, useNow } from "@/time/moment";
import { AsideStrip } from "@/review/aside-strip";
import { BreakStrip } from "@/wellness/break-strip";
import { useWords } from "@/words/words";

import classes from "./shell.module.css";
import { words } from "./words";

const WARN_MS = 5 * 60_000;
const PATIENCE_MS = 3000;

export function Strips({ leave }: { leave: () => void }) {
  const say = useWords(words);
  const online = useSyncExternalStore(
    (changed) => onlineManager.subscribe(changed),
    () => onlineManager.isOnline(),
    () => true,
  );
  const broken = useLasting(useConnected() === false, PATIENCE_MS);
  return (
    <div role="status">
      <SessionEnd />
      <BreakStrip leave={leave} leaveLabel={say("stepAway")} />
      <NewBuild />
      <AsideStrip />
      {online && !broken ? null : (
        <div className={classes.strip}>
          <IconPlugConnectedX className="icon" aria-hidden="true" />
          {online ? say("reconnecting") : say("offline")}
        </div>
      )}
    </div>
  );
}

/** Warned of before it comes; at the end signing in again is asked for at once, and not by the next
 * thing that somebody does. */
function SessionEnd() {
  const say = useWords(words);
  const { expiresAt } = useSession();
  const isOver = useSessionEnded();
  const clock = useNow(1);
  const idle = idleEnd();
  const whole = Date.parse(expiresAt);
  const left = Math.min(idle, whole) - clock;
  useEffect(() => {
    // By the clock of this moment: what was painted may be of one that was set right meanwhile.
    if (left <= 0 && Math.min(idleEnd(), whole) <= now()) endSession();
  }, [left, whole]);
  if (left > WARN_MS || left <= 0 || isOver) return null;
  const isIdle = idle < whole;
  return (
    <div className={classes.strip}>
      <Severity level="high">{say(isIdle ? "idleSoon" : "endsSoon", { clock: clockOf(left) })}</Severity>
      <Button size="xs" className="end" onClick={() => (isIdle ? void stay().catch(() => undefined) : endSession())}>
        {say(isIdle ? "staySignedIn" : "signInNow")}
      </Button>
    </div>
  );
}

/** The page is never loaded again by itself: somebody may be in the middle of a job. */
function NewBuild() {
  const say = useWords(words);
  const isNew = useNewBuild(useSession().build);
  if (!isNew) return null;
  return (
    <div className={classes.strip}>
      <IconRefresh className="icon" aria-hidden="true" />
      {say("newBuild")}
      <Button size="compact-sm" onClick={() => location.reload()}>
        {say("reload")}
      </Button>
    </div>
  );
}

/** True once it has been true for that long. */
function useLasting(is: boolean, milliseconds: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLasts(is), is ? milliseconds : 0);
    return () => clearTimeout(timer);
  }, [is, milliseconds]);
  return is && lasts;
}
