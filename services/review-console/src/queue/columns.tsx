/** The columns of the dashboard. */
import { Button } from "@mantine/core";
import { IconStar, IconStarFilled } from "@tabler/icons-react";

import { Meter } from "@/control/meter";
import { Keys, Written } from "@/key/keys";
import { Severity } from "@/look/severity";
import type { Column } from "@/table/data-table";
import { clockOf as countdownOf, useNow, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import { clockOf, type QueueRow } from "./dashboard";
import classes from "./queue.module.css";
import { words } from "./words";

interface Acts {
  readonly all: readonly QueueRow[];
  readonly cursorId: string | null;
  readonly start: (row: QueueRow) => void;
  readonly starting: string | null;
  readonly star: (row: QueueRow) => void;
}

export function useColumns(acts: Acts): Column<QueueRow>[] {
  const say = useWords(words);
  const starred = acts.all.filter((row) => row.isStarred);
  return [
    { id: "star", header: say("columnStar"), quiet: true, width: 52, cell: (row) => <Star row={row} star={acts.star} /> },
    { id: "queue", header: say("columnQueue"), cell: (row) => <QueueName row={row} /> },
    { id: "waiting", header: say("columnWaiting"), width: 84, numeric: true, cell: (row) => <b className="med">{row.pending.toLocaleString()}</b> },
    { id: "oldest", header: say("columnOldest"), width: 104, numeric: true, hideable: true, wide: true, cell: (row) => <Age at={row.oldestAt} /> },
    { id: "due", header: say("columnDue"), width: 208, wide: true, cell: (row) => <Due row={row} /> },
    { id: "there", header: say("columnThere"), width: 168, hideable: true, wide: true, cell: (row) => <There row={row} /> },
    { id: "start", header: say("columnStart"), quiet: true, width: 128, numeric: true, cell: (row) => <Start row={row} acts={acts} nth={starred.indexOf(row) + 1} /> },
  ];
}

function QueueName({ row }: { row: QueueRow }) {
  return (
    <span className={classes.name}>
      <span className="med user-text ell" title={row.queue.description || row.queue.name}>
        {row.queue.name}
      </span>
      <span className={classes.narrow}>
        <Due row={row} />
      </span>
    </span>
  );
}

function Star({ row, star }: { row: QueueRow; star: (row: QueueRow) => void }) {
  const say = useWords(words);
  const Icon = row.isStarred ? IconStarFilled : IconStar;
  return (
    <button
      type="button"
      className={classes.star}
      aria-pressed={row.isStarred}
      aria-label={say(row.isStarred ? "unstarIt" : "starIt", { name: row.queue.name })}
      onClick={(event) => {
        event.stopPropagation();
        star(row);
      }}
    >
      <Icon className="icon" aria-hidden="true" />
    </button>
  );
}

function Age({ at }: { at: string | null }) {
  const now = useNow(30);
  const span = useSpan();
  return at === null ? null : (
    <time className="dim" dateTime={at}>
      {span(now - Date.parse(at))}
    </time>
  );
}

export function Due({ row }: { row: QueueRow }) {
  const say = useWords(words);
  const now = useNow(30);
  const span = useSpan();
  if (row.queue.isPaused) return <span className="badge">{say("paused")}</span>;
  if (row.pending === 0) return <span className="dim">{say("nothingWaits")}</span>;
  const clock = clockOf(row, now);
  if (!clock) return <span className="dim">{say("noTarget")}</span>;
  const text = clock.leftMs < 0 ? say("overdue", { span: span(-clock.leftMs) }) : say("left", { span: span(clock.leftMs) });
  return (
    <span className="row g8">
      <Meter share={clock.used} width={40} colour={clock.level ? `var(--${clock.level})` : "var(--ch-prev)"} />
      {clock.level ? <Severity level={clock.level}>{text}</Severity> : <span className="tnum">{text}</span>}
    </span>
  );
}

function There({ row }: { row: QueueRow }) {
  const say = useWords(words);
  const now = useNow(1);
  if (row.held.length > 0) {
    const ends = Math.min(...row.held.map((one) => Date.parse(one.lease.expiresAt)));
    return <span className="tnum">{say("youHold", { count: row.held.length, clock: countdownOf(ends - now) })}</span>;
  }
  return <span className="dim">{row.leased > 0 ? say("inHand", { count: row.leased }) : "—"}</span>;
}

function Start({ row, acts, nth }: { row: QueueRow; acts: Acts; nth: number }) {
  const say = useWords(words);
  const isCursor = acts.cursorId === row.queue.id;
  const holds = row.held.length > 0;
  if (row.pending === 0 && !holds) return <span className={classes.caught}>{say("caughtUp")}</span>;
  const printed = isCursor ? <Keys of="list.open" fallback="Enter" /> : nth > 0 && nth < 10 ? <Written keys={String(nth)} /> : null;
  return (
    <Button
      size="xs"
      className={classes.start}
      variant={isCursor ? "filled" : "default"}
      data-resume={holds || undefined}
      loading={acts.starting === row.queue.id}
      rightSection={printed}
      onClick={(event) => {
        event.stopPropagation();
        acts.start(row);
      }}
    >
      {say(holds ? "resume" : "start")}
      <span className="hidden">{row.queue.name}</span>
    </Button>
  );
}
