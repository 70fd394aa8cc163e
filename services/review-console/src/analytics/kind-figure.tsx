/** What was decided in each queue: types of decisions and actions, the most frequent first. */
import { useQuery } from "@tanstack/react-query";

import { RowBar } from "@/chart/chart";
import { Figure, SheetTable } from "@/chart/figure";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { words as logWords } from "@/decision-log/words";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useWords } from "@/words/words";

import { tableQuery, type Asked } from "./query";
import { words } from "./words";

export function KindFigure({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const sayType = useWords(logWords);
  const names = useNames();
  const { window } = asked;
  const { data, error, refetch } = useQuery(tableQuery(asked));
  const rows = (data ?? []).map((cell) => ({ ...cell, queue: cell.key ? names.queue(cell.key) : say("none"), what: cell.actionId ? names.action(cell.actionId) : sayType(cell.type) })).toSorted((a, b) => a.queue.localeCompare(b.queue) || b.count - a.count);
  const columns = [{ name: say("queue") }, { name: say("kind") }, { name: say("count"), numeric: true }];
  const sheet = { columns, rows: rows.map((row) => [row.queue, row.what, row.count]) };
  const readable = {
    columns,
    rows: rows.map((row, index) => [
      rows[index - 1]?.queue === row.queue ? "" : row.queue,
      <DecisionsLink key="what" window={window} queue={row.key ? [row.key] : undefined} action={row.actionId ? [row.actionId] : undefined} className="user-text">
        {row.what}
      </DecisionsLink>,
      row.count,
    ]),
  };
  const none = <p className="t13 dim">{say("noQueues")}</p>;
  const most = Math.max(1, ...rows.map((row) => row.count));
  const bars = (
    <ul className={shared.people}>
      {rows.map((row) => (
        <li key={`${row.key} ${row.type} ${row.actionId}`}>
          <span className="ell user-text" title={`${row.queue} · ${row.what}`}>
            {row.queue} · {row.what}
          </span>
          <RowBar thick most={most} parts={[{ value: row.count, colour: "var(--ch1)" }]} />
          <span className="num">{row.count.toLocaleString()}</span>
        </li>
      ))}
    </ul>
  );
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? none : null;
  return <Figure title={say("kinds")} sheet={sheet} file={`kinds-${window.from}-${window.to}`} first="table" chart={instead ?? bars} table={instead ?? <SheetTable title={say("kinds")} sheet={readable} />} />;
}
