/** The columns of the decision log. */
import { Button } from "@mantine/core";
import { IconBolt, IconChevronRight } from "@tabler/icons-react";

import { shortened } from "@/control/id-chip";
import type { Names } from "@/configuration/names";
import { Avatar } from "@/control/person";
import { Glyph } from "@/look/severity";
import type { Column } from "@/table/data-table";
import { Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./decision-log.module.css";
import { actorOf, isTakenBack, policiesOf, titleOf, type Entry } from "./log";
import { words } from "./words";

interface Acts {
  readonly names: Names;
  readonly me: string;
  readonly isPeeking: boolean;
  readonly undo: (entry: Entry) => void;
}

export function useColumns({ names, me, isPeeking, undo }: Acts): Column<Entry>[] {
  const say = useWords(words);
  const rest: Column<Entry>[] = [
    { id: "reason", header: say("columnReason"), hideable: true, wide: true, cell: (entry) => <Quiet text={entry.reason} /> },
    { id: "queue", header: say("columnQueue"), width: 140, hideable: true, wide: true, cell: (entry) => <Quiet text={entry.queueId ? names.queue(entry.queueId) : null} /> },
  ];
  return [
    { id: "at", header: say("columnAt"), width: 120, cell: (entry) => <span className="dim"><Moment at={entry.time} dated /></span> },
    { id: "decision", header: say("columnDecision"), cell: (entry) => <DecisionTitle entry={entry} names={names} /> },
    { id: "on", header: say("columnOn"), width: isPeeking ? 156 : 176, hideable: true, wide: true, cell: (entry) => <On entry={entry} names={names} /> },
    { id: "policy", header: say("columnPolicy"), width: isPeeking ? 88 : 148, hideable: true, wide: true, cell: (entry) => <Quiet text={policiesOf(entry).map(names.policy).join(", ") || null} /> },
    ...(isPeeking ? [] : rest),
    { id: "by", header: say("columnBy"), width: isPeeking ? 148 : 160, hideable: true, wide: true, cell: (entry) => <By entry={entry} names={names} /> },
    { id: "state", header: say("columnState"), width: 120, numeric: true, cell: (entry) => <State entry={entry} isMine={entry.actorId === me} undo={undo} /> },
  ];
}

export function DecisionTitle({ entry, names }: { entry: Entry; names: Names }) {
  const say = useWords(words);
  const title = titleOf(entry, names, say);
  return (
    <span className="row g8">
      {title.level ? <Glyph level={title.level} /> : <IconChevronRight size={12} className="dim" aria-hidden="true" />}
      <span className={`ell user-text ${title.isStruck ? (classes.struck ?? "") : ""}`} title={title.text}>
        {title.text}
      </span>
    </span>
  );
}

function Quiet({ text }: { text: string | null }) {
  return text ? (
    <span className="dim user-text" title={text}>
      {text}
    </span>
  ) : (
    <span className="dim">—</span>
  );
}

function On({ entry, names }: { entry: Entry; names: Names }) {
  if (!entry.itemTypeId) return <span className="dim">—</span>;
  return (
    <span className={classes.on} title={entry.itemId ?? undefined}>
      {entry.itemId ? <span className="ell user-text">{entry.itemId.length > 24 ? shortened(entry.itemId) : entry.itemId}</span> : null}
      <span className="dim">{names.itemType(entry.itemTypeId)}</span>
    </span>
  );
}

export function By({ entry, names }: { entry: Entry; names: Names }) {
  const say = useWords(words);
  const { person, text } = actorOf(entry, names, say);
  return (
    <span className={classes.by} title={text}>
      {person ? <Avatar id={person.id} name={person.name} /> : <IconBolt className="icon dim" style={{ margin: 2 }} aria-hidden="true" />}
      <span className={`ell user-text ${person ? "" : "dim"}`}>{text}</span>
    </span>
  );
}

export function secondsLeft(entry: Entry, now: number): number {
  if (entry.leavesAt === null || entry.undoneAt !== null) return 0;
  return Math.max(0, Math.ceil((Date.parse(entry.leavesAt) - now) / 1000));
}

function State({ entry, isMine, undo }: { entry: Entry; isMine: boolean; undo: (entry: Entry) => void }) {
  const say = useWords(words);
  const left = secondsLeft(entry, useNow(1));
  if (left > 0 && isMine) {
    return (
      <Button
        size="compact-sm"
        onClick={(event) => {
          event.stopPropagation();
          undo(entry);
        }}
      >
        {say("undo", { seconds: left })}
      </Button>
    );
  }
  if (entry.undoneAt) return <span className="badge">{say("undone")}</span>;
  if (isTakenBack(entry)) return <span className="badge">{say("reversed")}</span>;
  if (entry.takenBack.length > 0) return <span className="badge">{say("partly")}</span>;
  if (entry.csam) return <span className="badge">{say("childSafety")}</span>;
  if (entry.appealOf) return <span className="badge">{say("ofAppeal")}</span>;
  return null;
}
