/** Beside the list: what waits in the queue under the cursor, who is there, and how it is set up. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { api, take, type Schema } from "@/api/client";
import { actionsQuery, policiesQuery } from "@/configuration/query";
import { Meter } from "@/control/meter";
import { Avatar } from "@/control/person";
import { Problem, Skeleton } from "@/control/state";
import { Keys, Written } from "@/key/keys";
import { useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Queue, QueueRow } from "./dashboard";
import classes from "./queue.module.css";
import { words } from "./words";

type Job = Schema["JobSummaryView"];
const SHOWN = 200;
const MOST = 5;

export function QueuePeek({ row, start, close }: { row: QueueRow; start: () => void; close: () => void }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const { queue } = row;
  return (
    <>
      <div className={classes.peekhead}>
        <h2 className="ell user-text" title={queue.name}>
          {queue.name}
        </h2>
        <span className="end row g4">
          <Written keys="Space" />
          <button type="button" className={classes.icon} aria-label={say("closePeek")} onClick={close}>
            <IconX className="icon" aria-hidden="true" />
          </button>
        </span>
      </div>
      <div className={classes.peekbody}>
        <div className={`${classes.part} t13`}>
          {queue.description ? <p className="user-text">{queue.description}</p> : null}
          <div className={classes.ways} data-spaced={queue.description ? true : undefined}>
            {row.pending > 0 || row.held.length > 0 ? (
              <Button onClick={start} rightSection={<Keys of="list.open" fallback="Enter" />}>
                {say(row.held.length > 0 ? "resume" : "start")}
              </Button>
            ) : null}
            <Button onClick={() => void navigate({ to: "/queues/$queueId", params: { queueId: queue.id } })} rightSection={<Keys of="queue.list" fallback="L" />}>
              {say("openList")}
            </Button>
          </div>
        </div>
        {row.pending > 0 ? <Waiting queue={queue} pending={row.pending} /> : null}
        <SetUp queue={queue} />
      </div>
    </>
  );
}

function Waiting({ queue, pending }: { queue: Queue; pending: number }) {
  const say = useWords(words);
  const policies = useQuery({ ...policiesQuery, retry: false }).data ?? [];
  const now = useNow(30);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["queue-counts", "jobs", queue.id],
    queryFn: ({ signal }) => take(api.GET("/v1/jobs", { params: { query: { queueId: queue.id, state: "PENDING", limit: SHOWN } }, signal })),
  });
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton lines={8} />;
  const jobs = data.items;
  const nameOf = (id: string) => policies.find((one) => one.id === id)?.name ?? id;
  const holders = new Map(jobs.flatMap((job) => (job.lease ? [[job.lease.reviewerId, job.lease.reviewer?.name ?? job.lease.reviewerId] as const] : [])));
  return (
    <>
      {pending > jobs.length ? <p className={`${classes.part} dim t12`}>{say("firstOnly", { count: jobs.length })}</p> : null}
      {holders.size > 0 ? (
        <Part title={say("thereNow")}>
          {[...holders].map(([id, name]) => (
            <div key={id} className="row g8 t13">
              <Avatar id={id} name={name} />
              <span className="ell user-text">{name}</span>
            </div>
          ))}
        </Part>
      ) : null}
      <Bars title={say("whatWaits")} counts={tally(jobs, (job) => (job.policyIds.length > 0 ? job.policyIds.map(nameOf) : [say("noPolicy")]))} />
      {jobs.some((job) => job.deadline) ? <Bars title={say("timeLeft")} counts={timeLeft(jobs, now).map(([key, count]) => [say(key), count])} /> : null}
      <Bars title={say("comesFrom")} counts={tally(jobs, (job) => [say(SOURCES.includes(job.source as Source) ? (job.source as Source) : "otherSource")])} />
    </>
  );
}

const SOURCES = ["REPORT", "RULE_EXECUTION", "POST_ACTIONS", "MRT_JOB", "APPEAL", "BULK_ACTION", "STRIKE_THRESHOLD", "RETROACTION", "REVERSAL"] as const;
type Source = (typeof SOURCES)[number];

/** How many jobs have each name, most first. */
export function tally(jobs: readonly Job[], namesOf: (job: Job) => readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const job of jobs) for (const name of namesOf(job)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST);
}

const BUCKETS = [
  ["isOverdue", 0],
  ["under30", 30],
  ["to2", 120],
  ["to4", 240],
  ["over4", Infinity],
] as const;
type Bucket = (typeof BUCKETS)[number][0] | "noDue";

export function timeLeft(jobs: readonly Job[], now: number): [Bucket, number][] {
  const counts = new Map<Bucket, number>();
  for (const job of jobs) {
    const left = job.deadline === null || job.deadline === undefined ? null : (Date.parse(job.deadline) - now) / 60_000;
    const bucket = left === null ? "noDue" : (BUCKETS.find(([, until]) => left < until)?.[0] ?? "over4");
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...BUCKETS.map(([name]) => name), "noDue" as const].flatMap((name) => {
    const count = counts.get(name);
    return count ? [[name, count] as [Bucket, number]] : [];
  });
}

function Bars({ title, counts }: { title: string; counts: readonly [string, number][] }) {
  const most = Math.max(1, ...counts.map(([, count]) => count));
  return (
    <Part title={title}>
      <dl className={classes.bars}>
        {counts.map(([name, count]) => (
          <div key={name} className={classes.barline}>
            <dt className="ell user-text" title={name}>
              {name}
            </dt>
            <dd>
              <Meter share={count / most} height={8} />
              <span className="num">{count}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Part>
  );
}

function SetUp({ queue }: { queue: Queue }) {
  const say = useWords(words);
  const actions = useQuery({ ...actionsQuery, retry: false }).data ?? [];
  const minutes = queue.targetMinutes ?? null;
  const due = minutes === null ? say("noTarget") : minutes % 60 === 0 ? say("hours", { hours: minutes / 60 }) : say("minutes", { minutes });
  const hidden = queue.hiddenActionIds?.map((id) => actions.find((one) => one.id === id)?.name ?? id) ?? [];
  const people = (queue.reviewers ?? []).flatMap((person) => (person ? [person.name] : []));
  const roles = queue.reviewerRoles?.length ?? 0;
  const may = queue.openToEveryone ? say("everyone") : [few(people, say), roles > 0 ? say("roles", { count: roles }) : ""].filter(Boolean).join(", ");
  return (
    <Part title={say("setUp")}>
      <dl className={classes.kv}>
        <dt>{say("dueAfter")}</dt>
        <dd>{due}</dd>
        <dt>{say("order")}</dt>
        <dd>{say(queue.order ?? "OLDEST_FIRST")}</dd>
        <dt>{say("hiddenHere")}</dt>
        <dd className="user-text">{few(hidden, say) || say("none")}</dd>
        {may ? (
          <>
            <dt>{say("mayWork")}</dt>
            <dd className="user-text">{may}</dd>
          </>
        ) : null}
      </dl>
    </Part>
  );
}

function few(names: readonly string[], say: ReturnType<typeof useWords<Extract<keyof typeof words.messages, string>>>): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? say("andMore", { names: shown, more: names.length - 3 }) : shown;
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
