/** By person, for whoever leads; else one's own line. No ranking: in the order of names. */
import { useQuery } from "@tanstack/react-query";

import { RowBar } from "@/chart/chart";
import { Figure, SheetTable } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { Problem } from "@/control/state";
import { peopleOf, totalOf } from "@/measure/answer";
import { shareOf } from "@/measure/change";
import { useDuration } from "@/measure/duration";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useWords } from "@/words/words";

import { timesQuery, type Asked, type Counts } from "./query";
import { words } from "./words";

export function PersonFigure({ counts, asked }: { counts: Counts; asked: Asked }) {
  const say = useWords(words);
  const written = useDuration();
  const { window, isLead } = asked;
  const { data, error, refetch } = useQuery(timesQuery(asked, "REVIEWER"));
  const { byPerson, personTypes, skipsByPerson } = counts.of;
  const rows = peopleOf(byPerson, personTypes, counts.names)
    .map((row) => ({ ...row, skipped: totalOf(skipsByPerson, row.id), times: data?.find((one) => one.key === row.id) }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const title = say(isLead ? "perPerson" : "yourself");
  const share = (row: (typeof rows)[number]) => shareOf(row.noViolation, row.total);
  const heads = [{ name: say("person") }, { name: say("decided"), numeric: true }, { name: say("share"), numeric: true }, { name: say("skipped"), numeric: true }];
  const seconds = (value: number | null | undefined) => (value === null || value === undefined ? null : Math.round(value));
  const sheet: Sheet = {
    columns: [...heads, { name: `${say("handlingMedian")} (${say("seconds")})`, numeric: true }, { name: `${say("handlingNine")} (${say("seconds")})`, numeric: true }],
    rows: rows.map((row) => [row.name, row.total, row.noViolation, row.skipped, seconds(row.times?.handling.median), seconds(row.times?.handling.p90)]),
  };
  const link = (row: (typeof rows)[number], className: string) => (
    <DecisionsLink window={window} by={[row.id]} source={["MRT_JOB"]} className={className}>
      {row.name}
    </DecisionsLink>
  );
  const readable = {
    columns: [...heads, { name: say("handlingMedian"), numeric: true }, { name: say("handlingNine"), numeric: true }],
    rows: rows.map((row) => {
      const part = share(row);
      return [link(row, "user-text"), row.total, part === null ? say("none") : say("percent", { value: Math.round(part) }), row.skipped, written(row.times?.handling.median ?? null), written(row.times?.handling.p90 ?? null)];
    }),
  };
  const none = <p className="t13 dim">{say("noPeople")}</p>;
  const most = Math.max(1, ...rows.map((row) => row.total));
  const bars = (
    <ul className={shared.people}>
      {rows.map((row) => (
        <li key={row.id}>
          {link(row, "ell user-text")}
          <RowBar thick most={most} parts={[{ value: row.total, colour: "var(--ch1)" }]} before={row.before} />
          <span className="num">{row.total.toLocaleString()}</span>
        </li>
      ))}
    </ul>
  );
  return (
    <Figure
      title={title}
      sheet={sheet}
      file={`people-${window.from}-${window.to}`}
      first="table"
      chart={rows.length === 0 ? none : bars}
      table={
        <>
          {error ? <Problem error={error} again={() => void refetch()} /> : null}
          {rows.length === 0 ? none : <SheetTable title={title} sheet={readable} />}
        </>
      }
    />
  );
}
