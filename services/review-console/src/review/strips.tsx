/** Lines under the bar of a job: that it is somebody else's, decided, or mine no longer. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { Problem } from "@/control/state";
import { Keys } from "@/key/keys";
import { Severity } from "@/look/severity";
import { absolute, Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Lease } from "./claim";
import type { Context } from "./context";
import classes from "./job.module.css";
import type { Hold } from "./use-hold";
import { words } from "./words";

const SOON_MS = 60_000;

export function Strips({ context, lease, hold }: { context: Context; lease: Lease | null | undefined; hold: Hold }) {
  const say = useWords(words);
  const { job } = context;
  const soon = useNow(1);
  if (job.movedTo) {
    return (
      <Strip>
        {say("movedStrip")}
        <Link to="/jobs/$jobId" params={{ jobId: job.movedTo }}>
          {say("itMoved")}
        </Link>
      </Strip>
    );
  }
  if (job.state === "CLOSED") {
    const time = job.closedAt ? absolute(job.closedAt, false) : "";
    return <Strip>{job.closedByPerson ? say("closedStrip", { time, name: job.closedByPerson.name }) : say("closedNobody", { time })}</Strip>;
  }
  if (hold.problem?.kind === "held" || (lease === null && job.lease && hold.endedAt === null && Date.parse(job.lease.expiresAt) > soon)) {
    const until = hold.problem?.heldUntil ?? job.lease?.expiresAt ?? null;
    const name = hold.problem?.heldBy?.name ?? job.lease?.reviewer?.name;
    return <Strip grave>{name && until ? say.rich("heldBy", { name, time: <Moment at={until} /> }) : say("heldBySomebody")}</Strip>;
  }
  if (hold.problem) return <Problem error={hold.problem} again={hold.claim} />;
  if (lease === null && hold.endedAt !== null) {
    return (
      <Strip grave>
        <span role="alert">{say.rich("claimEnded", { time: <Moment at={new Date(hold.endedAt).toISOString()} /> })}</span>
        <Button size="xs" loading={hold.claiming} onClick={hold.claim} rightSection={<Keys of="job.extend" fallback="X" />}>
          {say("claimAgain")}
        </Button>
      </Strip>
    );
  }
  if (lease && Date.parse(lease.expiresAt) - soon < SOON_MS) {
    return (
      <span className="hidden" role="alert">
        <Severity level="high">{say("onClaim")}</Severity>
      </span>
    );
  }
  return null;
}

function Strip({ grave = false, children }: { grave?: boolean; children: ReactNode }) {
  return (
    <div className={classes.strip} data-grave={grave || undefined}>
      <IconInfoCircle className="icon" aria-hidden="true" />
      {children}
    </div>
  );
}
