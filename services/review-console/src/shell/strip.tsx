/** Lines over the page about the connection and the session; each goes away by itself. */
import { onlineManager } from "@tanstack/react-query";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useEffect, useState, useSyncExternalStore } from "react";

import { Severity } from "@/look/severity";
import { useConnected } from "@/live/stream";
import { useSession } from "@/session/session";
import { clockOf, useNow } from "@/time/moment";
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
      {online && !broken ? null : (
        <div className={classes.strip}>
          <IconPlugConnectedX className="icon" aria-hidden="true" />
          {online ? say("reconnecting") : say("offline")}
        </div>
      )}
    </div>
  );
}

function SessionEnd() {
  const say = useWords(words);
  const { expiresAt } = useSession();
  const left = Date.parse(expiresAt) - useNow(1);
  if (left > WARN_MS || left <= 0) return null;
  return (
    <div className={classes.strip}>
      <Severity level="high">{say("endsSoon", { clock: clockOf(left) })}</Severity>
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
