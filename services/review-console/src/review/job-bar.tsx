/** The line over a job: where it comes from, how long it may take, who else looks, how long it is mine. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconChevronLeft } from "@tabler/icons-react";

import { IdChip } from "@/control/id-chip";
import { Meter } from "@/control/meter";
import { AvatarStack } from "@/control/person";
import { Keys, useCommand } from "@/key/keys";
import { Severity, type Level } from "@/look/severity";
import { useSession } from "@/session/session";
import { clockOf, useNow, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import { holderOf, type Lease } from "./claim";
import { useJobNames, type Context } from "./context";
import classes from "./job.module.css";
import { JobMenu } from "./job-menu";
import type { Hold } from "./use-hold";
import { words } from "./words";

const SOON_MS = 60_000;

interface Props {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly hold: Hold;
  readonly threaded: boolean;
}

export function JobBar({ context, lease, hold, threaded }: Props) {
  const say = useWords(words);
  const { job } = context;
  const names = useJobNames(context);
  const left = Math.max(0, context.remaining - (job.state === "PENDING" ? 1 : 0));
  return (
    <div className={classes.bar}>
      <Link to="/queues" className={classes.back} aria-label={say("back")}>
        <IconChevronLeft className="icon" aria-hidden="true" />
      </Link>
      <h1 className="user-text ell">{names.queue(job.queueId)}</h1>
      <span className="dim">{say("left", { count: left })}</span>
      {job.deadline && job.state === "PENDING" ? <Due at={job.deadline} since={job.createdAt} /> : null}
      <span className={`${classes.wide} row g8`}>
        <span className="dim" aria-hidden="true">
          ·
        </span>
        <IdChip id={job.id} />
      </span>
      <div className={classes.who}>
        <Others hold={hold} />
        {job.state === "PENDING" ? (
          <>
            <span className={`${classes.rule} ${classes.wide}`} />
            <ClaimTime job={job} lease={lease} hold={hold} threaded={threaded} />
          </>
        ) : null}
        <JobMenu context={context} lease={lease} />
      </div>
    </div>
  );
}

function Due({ at, since }: { at: string; since: string }) {
  const say = useWords(words);
  const span = useSpan();
  const now = useNow(30);
  const left = Date.parse(at) - now;
  const text = left < 0 ? say("overdue", { span: span(-left) }) : say("due", { span: span(left) });
  const level: Level | null = left < 0 ? "severe" : left < 0.3 * (Date.parse(at) - Date.parse(since)) ? "high" : null;
  return (
    <>
      <span className="dim" aria-hidden="true">
        ·
      </span>
      {level ? <Severity level={level}>{text}</Severity> : <span className="dim">{text}</span>}
    </>
  );
}

function Others({ hold }: { hold: Hold }) {
  const say = useWords(words);
  const [first, ...more] = hold.others;
  if (!first) return <span className={`dim ${classes.wide}`}>{say("onlyYou")}</span>;
  return (
    <span className="row g8 ell" role="status">
      <AvatarStack people={hold.others.slice(0, 3)} />
      <span className="dim ell">{say("alsoHere", { name: first.name, count: more.length + 1 })}</span>
    </span>
  );
}

function ClaimTime({ job, lease, hold, threaded }: Omit<Props, "context"> & { job: Context["job"] }) {
  const say = useWords(words);
  const { org, user } = useSession();
  const whole = org.leaseSeconds * 1000;
  const now = useNow(1);
  const isMine = holderOf(job, lease, user.id, now) === null;
  const keys = threaded ? "Alt+X" : "X";
  useCommand({ id: "job.extend", scope: "job", keys: threaded ? "Alt+X" : ["X", "Alt+X"], label: say(lease ? "extend" : "claim"), enabled: isMine, run: hold.claim });
  if (lease === undefined) return null;
  const printed = <Keys of="job.extend" fallback={keys} />;
  if (lease === null) {
    return isMine ? (
      <span className="row g8">
        <span className="dim">{say("notClaimed")}</span>
        <Button size="xs" loading={hold.claiming} onClick={hold.claim} rightSection={printed}>
          {say("claim")}
        </Button>
      </span>
    ) : null;
  }
  const left = Date.parse(lease.expiresAt) - now;
  const words_ = (
    <>
      <b className="tnum">{clockOf(left)}</b> <span className={left < SOON_MS ? undefined : "dim"}>{say("onClaim")}</span>
    </>
  );
  return (
    <span className="row g8">
      <Meter share={left / whole} width={64} />
      {left < SOON_MS ? <Severity level="high">{words_}</Severity> : <span>{words_}</span>}
      <Button size="xs" loading={hold.claiming} onClick={hold.claim} rightSection={printed}>
        {say("extend")}
      </Button>
    </span>
  );
}
