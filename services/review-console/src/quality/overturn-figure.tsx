/** What became of decisions: undone, reversed, appealed, reviewed again; by queue, and for leads more. */
import { useQuery } from "@tanstack/react-query";

import { RowBar } from "@/chart/chart";
import { Figure, SheetTable } from "@/chart/figure";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { shareOf } from "@/measure/change";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useWords } from "@/words/words";

import { overturnsQuery, type Asked, type Overturn } from "./query";
import { GROUPS, type Group } from "./search";
import { words } from "./words";

const COUNTS = ["decisions", "undone", "reversed", "appeals", "appealsAccepted", "secondReviews", "secondReviewsDiffering"] as const;
const HEADS = ["decisions", "undone", "reversed", "appealed", "accepted", "again", "differing"] as const;

export function OverturnFigure({ asked, group, choose, isLead }: { asked: Asked; group: Group; choose: (group: Group) => void; isLead: boolean }) {
  const say = useWords(words);
  const names = useNames();
  const { data, error, refetch } = useQuery(overturnsQuery(asked, group));
  const nameOf = (one: Overturn) => ({ QUEUE: names.queue, REVIEWER: (id: string) => one.keyPerson?.name ?? id, POLICY: names.policy, ACTION: names.action })[group](one.key);
  const rows = (data ?? []).map((one) => ({ ...one, name: nameOf(one) })).toSorted((a, b) => b.decisions - a.decisions);
  const columns = [{ name: say(group) }, ...HEADS.map((head) => ({ name: say(head), numeric: true }))];
  const sheet = { columns, rows: rows.map((row) => [row.name, ...COUNTS.map((count) => row[count])]) };
  const link = (row: Overturn & { name: string }, className: string) => (
    <DecisionsLink window={asked.window} queue={group === "QUEUE" ? [row.key] : undefined} by={group === "REVIEWER" ? [row.key] : undefined} policy={group === "POLICY" ? [row.key] : undefined} action={group === "ACTION" ? [row.key] : undefined} className={className}>
      {row.name}
    </DecisionsLink>
  );
  const readable = { columns, rows: rows.map((row) => [link(row, "user-text"), ...COUNTS.map((count) => row[count] || <span className="dim">0</span>)]) };
  const taken = (row: Overturn) => shareOf(row.undone + row.reversed, row.decisions) ?? 0;
  const most = Math.max(1, ...rows.map(taken));
  const bars = (
    <ul className={shared.people}>
      {rows.map((row) => (
        <li key={row.key}>
          {link(row, "ell user-text")}
          <RowBar thick most={most} parts={[{ value: taken(row), colour: "var(--ch1)" }]} />
          <span className="num">{say("percent", { value: Math.round(taken(row)) })}</span>
        </li>
      ))}
    </ul>
  );
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? <p className="t13 dim">{say("overturnsNone")}</p> : null;
  return (
    <Figure
      title={say("overturns")}
      tools={
        <span className={shared.seg} role="group" aria-label={say("by")}>
          {GROUPS.map((one) => {
            const isInert = one !== "QUEUE" && !isLead;
            return (
              <button key={one} type="button" aria-pressed={group === one} aria-disabled={isInert || undefined} title={isInert ? say("leadsOnly") : undefined} onClick={() => (isInert ? undefined : choose(one))}>
                {say(one)}
              </button>
            );
          })}
        </span>
      }
      sheet={sheet}
      file={`overturns-${asked.window.from}-${asked.window.to}`}
      first="table"
      chart={instead ?? bars}
      table={
        <>
          {instead ?? <SheetTable title={say("overturns")} sheet={readable} />}
          {isLead ? null : <p className="t12 dim">{say("leadsOnly")}</p>}
        </>
      }
    />
  );
}
