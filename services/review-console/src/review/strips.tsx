/** Lines under the bar of a job: that it is somebody else's, decided, or mine no longer. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { Problem } from "@/control/state";
import { Keys } from "@/key/keys";
import { Severity } from "@/look/severity";
import { useSession } from "@/session/session";
import { absolute, Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { holderOf, type Lease } from "./claim";
import type { Context } from "./context";
import { KeptStrip } from "./kept-strip";
import { Strip } from "./strip";
import type { Hold } from "./use-hold";
import { words } from "./words";

const SOON_MS = 60_000;

interface Props {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly hold: Hold;
}

export function Strips(props: Props) {
  const say = useWords(words);
  return (
    <>
      {props.context.job.csam ? <Strip grave>{say("csam")}</Strip> : null}
      {props.hold.isTwice ? <Strip>{say("secondTab")}</Strip> : null}
      <KeptStrip job={props.context.job} />
      <State {...props} />
    </>
  );
}

function State({ context, lease, hold }: Props) {
  const say = useWords(words);
  const { job } = context;
  const soon = useNow(1);
  const me = useSession().user.id;
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
  const holder = holderOf(job, lease, me, soon);
  if (hold.problem?.kind === "held" || holder) {
    const until = hold.problem?.heldUntil ?? holder?.expiresAt ?? null;
    const name = hold.problem?.heldBy?.name ?? holder?.reviewer?.name;
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
