/** How long what I hold is mine; grave words in the last minute. */
import { useQuery } from "@tanstack/react-query";
import { IconClock } from "@tabler/icons-react";

import { useQuiet } from "@/api/quiet";
import { Severity } from "@/look/severity";
import { claimsQuery, isAhead } from "@/review/claim";
import { usePermission } from "@/session/session";
import { clockOf, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./shell.module.css";
import { words } from "./words";

export function ClaimClock() {
  const say = useWords(words);
  const reviews = usePermission("VIEW_MRT");
  const isQuiet = useQuiet();
  const { data } = useQuery({ ...claimsQuery, enabled: reviews && isQuiet });
  const now = useNow(1);
  const held = (data ?? []).filter((one) => Date.parse(one.lease.expiresAt) > now);
  const open = held.filter((one) => !isAhead(one));
  if (open.length === 0) return null;
  const left = Math.min(...open.map((one) => Date.parse(one.lease.expiresAt))) - now;
  const text = say("claimLeft", { clock: clockOf(left), count: open.length });
  return (
    <span className={`${classes.item} ${classes.wide}`} role="timer">
      {left < 60_000 ? (
        <Severity level="high">{text}</Severity>
      ) : (
        <>
          <IconClock className="icon" aria-hidden="true" />
          {text}
        </>
      )}
      {held.length > open.length ? <span className="dim">{say("claimAhead")}</span> : null}
    </span>
  );
}
