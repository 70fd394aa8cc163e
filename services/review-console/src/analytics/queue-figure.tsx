/** By queue: what came, was decided and skipped, and how long it waited and took. */
import { useQuery } from "@tanstack/react-query";

import { RowBar } from "@/chart/chart";
import { Figure, SheetTable } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { Problem } from "@/control/state";
import { nameIn, totalOf } from "@/measure/answer";
import { useDuration } from "@/measure/duration";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useWords } from "@/words/words";

import classes from "./analytics.module.css";
import { timesQuery, type Asked, type Counts } from "./query";
import { words } from "./words";

export function QueueFigure({ counts, asked }: { counts: Counts; asked: Asked }) {
  const say = useWords(words);
  const written = useDuration();
  const { window } = asked;
  const { data, error, refetch } = useQuery(timesQuery(asked, "QUEUE"));
  const { cameByQueue, byQueue, skipsByQueue } = counts.of;
  const ids = [...new Set([cameByQueue, byQueue, skipsByQueue].flatMap((answer) => answer.series.flatMap(({ keys: [id] }) => (id ? [id] : []))))];
  const rows = ids
    .map((id) => ({ id, name: nameIn(counts.names, "QUEUE", id), came: totalOf(cameByQueue, id), decided: totalOf(byQueue, id), skipped: totalOf(skipsByQueue, id), times: data?.find((one) => one.key === id) }))
    .filter((row) => row.came + row.decided + row.skipped > 0)
    .sort((a, b) => b.decided - a.decided || b.came - a.came);
  const most = Math.max(1, ...rows.map((row) => Math.max(row.came, row.decided)));
  const times = ["handlingMedian", "handlingNine", "waitingMedian", "waitingNine"] as const;
  const spreads = (row: (typeof rows)[number]) => [row.times?.handling.median ?? null, row.times?.handling.p90 ?? null, row.times?.waiting.median ?? null, row.times?.waiting.p90 ?? null];
  const columns = [{ name: say("queue") }, ...(["came", "decided", "skipped"] as const).map((key) => ({ name: say(key), numeric: true }))];
  const sheet: Sheet = {
    columns: [...columns, ...times.map((key) => ({ name: `${say(key)} (${say("seconds")})`, numeric: true }))],
    rows: rows.map((row) => [row.name, row.came, row.decided, row.skipped, ...spreads(row).map((one) => (one === null ? null : Math.round(one)))]),
  };
  const readable = {
    columns: [...columns, ...times.map((key) => ({ name: say(key), numeric: true }))],
    rows: rows.map((row) => [
      <DecisionsLink key="name" window={window} queue={[row.id]} source={["MRT_JOB"]} className="user-text">
        {row.name}
      </DecisionsLink>,
      row.came,
      row.decided,
      row.skipped,
      ...spreads(row).map(written),
    ]),
  };
  const none = <p className="t13 dim">{say("noQueues")}</p>;
  const bars = (
    <>
      <ul className={shared.legend}>
        <li>
          <i style={{ background: "var(--ch1)" }} />
          {say("decided")}
        </li>
        <li>
          <u />
          {say("came")}
        </li>
      </ul>
      <ul className={shared.people}>
        {rows.map((row) => (
          <li key={row.id}>
            <DecisionsLink window={window} queue={[row.id]} source={["MRT_JOB"]} className="ell user-text">
              {row.name}
            </DecisionsLink>
            <RowBar thick most={most} parts={[{ value: row.decided, colour: "var(--ch1)" }]} before={row.came} />
            <span className="num">{row.decided.toLocaleString()}</span>
          </li>
        ))}
      </ul>
    </>
  );
  return (
    <Figure
      title={say("perQueue")}
      sheet={sheet}
      file={`queues-${window.from}-${window.to}`}
      className={classes.wide}
      first="table"
      chart={rows.length === 0 ? none : bars}
      table={
        <>
          {error ? <Problem error={error} again={() => void refetch()} /> : null}
          {rows.length === 0 ? none : <SheetTable title={say("perQueue")} sheet={readable} />}
        </>
      }
    />
  );
}
