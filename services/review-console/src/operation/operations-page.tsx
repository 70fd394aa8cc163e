/**
 * What is going on: what waits for a person, what runs, what does not arrive, which files there are.
 *
 * Guarantees: every line leads to where something can be done about it; what is not shown for want of a
 * permission is named.
 */
import { Button } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Pane, Problem, Skeleton } from "@/control/state";
import { endpointsQuery } from "@/delivery/query";
import { calledBy } from "@/session/permission";
import { useSession } from "@/session/session";
import { Part } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./operation.module.css";
import { exportsQuery, KINDS, lettersQuery, NEEDS, workQuery, type Work } from "./query";
import { words } from "./words";

/** Names, the same in every language. */
const DEAD = { list: "coop dlq list", show: "coop dlq show", replay: "coop dlq replay", runbook: "docs/runbooks/log.md", metric: "coop_consumer_dead_letters_total" } as const;

export function OperationsPage() {
  const say = useWords(words);
  const { permissions } = useSession();
  const kinds = KINDS.filter((kind) => permissions.includes(NEEDS[kind]));
  const lists = useQueries({ queries: kinds.map(workQuery) });
  const work = lists.flatMap(({ data }) => data ?? []).toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const isComing = lists.some(({ isPending }) => isPending);
  const refused = lists.flatMap(({ error }) => error ?? []);
  const waiting = work.filter(({ waits }) => waits !== null);
  const running = work.filter(({ waits }) => waits === null);
  return (
    <>
      <SettingsHead title={say("title")} facts={say("facts")} />
      <div className={shared.page} data-half>
        <div>
          <Part title={say("waits")}>
            {refused[0] ? <Problem error={refused[0]} again={() => lists.forEach((one) => void one.refetch())} /> : null}
            {isComing ? <Skeleton lines={2} /> : null}
            {!isComing && waiting.length === 0 ? <p className="dim t13">{say("waitsNone")}</p> : null}
            <WorkList work={waiting} />
          </Part>
          <Part title={say("running")}>
            {!isComing && running.length === 0 ? <p className="dim t13">{say("runningNone")}</p> : null}
            <WorkList work={running} />
            {KINDS.filter((kind) => !kinds.includes(kind)).map((kind) => (
              <p key={kind} className="dim t12">
                {say("unseen", { needs: `“${calledBy(NEEDS[kind])}”`, what: say(`kind_${kind}`) })}
              </p>
            ))}
          </Part>
        </div>
        <div className={shared.beside}>
          <Pane>
            <Deliveries />
          </Pane>
          {permissions.includes("VIEW_MRT_DATA") ? (
            <Pane>
              <Exports />
            </Pane>
          ) : null}
          <Pane>
            <DeadLetters />
          </Pane>
        </div>
      </div>
    </>
  );
}

function WorkList({ work }: { work: readonly Work[] }) {
  return work.length === 0 ? null : (
    <ul className={classes.work}>
      {work.map((one) => (
        <Line key={`${one.kind} ${one.id}`} one={one} />
      ))}
    </ul>
  );
}

function Line({ one }: { one: Work }) {
  const say = useWords(words);
  const kind = say(`kind_${one.kind}`);
  const far =
    one.waits === "CONFIRM" ? say(one.kind === "BULK" ? "confirmBulk" : "confirmRetro", { total: one.total ?? 0 }) : one.waits === "PAUSED" ? say("paused", { done: one.done, total: one.total ?? 0 }) : one.share === null ? say("rows", { count: one.done }) : say("percent", { share: one.share });
  return (
    <li>
      {one.kind === "BULK" ? (
        <Link to="/bulk-actions" search={{ id: one.id }}>
          {kind}
        </Link>
      ) : one.ruleId !== null ? (
        <Link to="/rules/$ruleId" params={{ ruleId: one.ruleId }}>
          {kind}
        </Link>
      ) : one.kind === "ERASURE" ? (
        <Link to="/settings/erasures" search={{ id: one.id }}>
          {kind}
        </Link>
      ) : (
        <span>{kind}</span>
      )}
      <span className="user-text ell">{one.name}</span>
      <span className={one.waits === null ? "tnum" : "tnum high"}>{far}</span>
      <span className="dim user-text ell">{one.by}</span>
      <span className="dim">
        <Moment at={one.at} />
      </span>
    </li>
  );
}

function Deliveries() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(endpointsQuery);
  const trouble = (data ?? []).filter((one) => one.state !== "CLOSED" || one.failingSince !== null || one.dead > 0);
  return (
    <Part
      title={say("deliveries")}
      facts={trouble.length > 0 ? say("trouble", { count: trouble.length }) : undefined}
      tools={
        <Link to="/settings/deliveries" className="t13">
          {say("toDeliveries")}
        </Link>
      }
    >
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton lines={2} /> : null}
      {data && trouble.length === 0 ? <p className="dim t13">{say(data.length === 0 ? "deliveriesNone" : "deliveriesFine")}</p> : null}
      <ul className={classes.endpoints}>
        {trouble.map((one) => (
          <li key={one.id}>
            <span className="user-text ell">{one.name}</span>
            <span className={one.state === "CLOSED" ? "dim" : "severe"}>{say(one.state === "CLOSED" && one.failingSince ? "endpoint_FAILING" : `endpoint_${one.state}`)}</span>
            <span className="dim">{one.failingSince ? say.rich("since", { when: <Moment at={one.failingSince} /> }) : null}</span>
            <span className={one.dead > 0 ? "severe tnum" : "dim tnum"}>{say("givenUp", { count: one.dead })}</span>
          </li>
        ))}
      </ul>
      {trouble.some((one) => one.dead > 0) ? (
        <Link to="/settings/deliveries" search={{ state: "DEAD" }} className="t13">
          {say("toDead")}
        </Link>
      ) : null}
    </Part>
  );
}

/** Of the whole installation: a topic that never had one has no line. */
function DeadLetters() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(lettersQuery);
  const topics = (data?.topics ?? []).filter((one) => one.letters > 0).toSorted((one, other) => other.waiting - one.waiting);
  return (
    <Part
      title={say("dead")}
      facts={data ? say.rich("deadAt", { when: <Moment at={data.countedAt} /> }) : undefined}
      tools={
        <Link to="/help/$chapter" params={{ chapter: "administrator" }} hash="records-that-no-service-could-handle" className="t13">
          {say("deadHelp")}
        </Link>
      }
    >
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton lines={2} /> : null}
      {data && topics.every((one) => one.waiting === 0) ? <p className="dim t13">{say(topics.length === 0 ? "deadNone" : "deadDone")}</p> : null}
      {topics.length > 0 ? (
        <table className={shared.table}>
          <thead>
            <tr>
              <th scope="col">{say("deadTopic")}</th>
              <th scope="col">{say("deadReaders")}</th>
              <th scope="col" className="num">
                {say("deadKept")}
              </th>
              <th scope="col" className="num">
                {say("deadWaiting")}
              </th>
            </tr>
          </thead>
          <tbody>
            {topics.map((one) => (
              <tr key={one.topic}>
                <td className="mono">{one.topic}</td>
                <td className="dim">{one.readBy.join(", ")}</td>
                <td className="num">{one.letters.toLocaleString()}</td>
                <td className={one.waiting > 0 ? "num severe" : "num"}>{one.waiting.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <p className="dim t12">{say.rich("deadText", { list: <code>{DEAD.list}</code>, show: <code>{DEAD.show}</code>, replay: <code>{DEAD.replay}</code>, runbook: <code>{DEAD.runbook}</code>, metric: <code>{DEAD.metric}</code> })}</p>
    </Part>
  );
}

function Exports() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(exportsQuery);
  return (
    <Part title={say("exports")}>
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {data?.length === 0 ? <p className="dim t13">{say("exportsNone")}</p> : null}
      <ul className={classes.exports}>
        {(data ?? []).map((one) => (
          <li key={one.id}>
            <span>{one.format}</span>
            <span className={one.state === "FAILED" ? "severe" : "dim"}>{one.state === "FAILED" ? (one.error ?? say("state_FAILED")) : say(`state_${one.state}`)}</span>
            <span className="tnum">{say("rows", { count: one.rows })}</span>
            <span className="dim">
              <Moment at={one.createdAt} />
            </span>
            {one.state === "COMPLETE" ? (
              <Button size="compact-xs" component="a" href={`/v1/decision-log/exports/${one.id}/download`} download>
                {say("download")}
              </Button>
            ) : (
              <span />
            )}
          </li>
        ))}
      </ul>
    </Part>
  );
}
