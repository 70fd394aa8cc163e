/** The columns of a queue's list, and of what is alike in it. */
import { Button } from "@mantine/core";

import { levelOf, Severity } from "@/look/severity";
import { useSession } from "@/session/session";
import type { Column } from "@/table/data-table";
import type { Selection } from "@/table/selection";
import { useNow, useSpan } from "@/time/moment";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";
import { useNames } from "@/configuration/names";

import type { ALIKE, Group, Listed } from "./list";
import { words } from "./list-words";
import classes from "./queue.module.css";

const SEVERITIES = ["sev0", "sev1", "sev2", "sev3", "sev4"] as const;

export function useListColumns(): Column<Listed>[] {
  const say = useWords(words);
  const names = useNames();
  const severity = (row: Listed) => say(SEVERITIES[Math.min(4, row.severity)] ?? "sev0");
  return [
    { id: "item", header: say("columnItem"), cell: (row) => <ItemCell row={row} kind={names.itemType(row.itemTypeId)} /> },
    {
      id: "severity",
      header: say("columnSeverity"),
      width: 96,
      sortable: true,
      wide: true,
      cell: (row) => (
        <Severity level={levelOf(row.severity)} quiet>
          {severity(row)}
        </Severity>
      ),
    },
    { id: "reports", header: say("columnReports"), width: 76, numeric: true, hideable: true, wide: true, cell: (row) => row.reportCount.toLocaleString() },
    { id: "waits", header: say("columnWaits"), width: 104, numeric: true, sortable: true, cell: (row) => <Waits at={row.createdAt} /> },
    { id: "due", header: say("columnDue"), width: 152, sortable: true, wide: true, cell: (row) => <Due row={row} /> },
    { id: "here", header: say("columnHere"), width: 144, hideable: true, wide: true, cell: (row) => <Here row={row} /> },
  ];
}

/** Nothing of a picture: how many there are is all that a list says. */
function ItemCell({ row, kind }: { row: Listed; kind: string }) {
  const say = useWords(words);
  const isShown = useWordsShown();
  const { preview } = row;
  return (
    <span className={classes.item}>
      <span className="dim t12">{kind}</span>
      {preview === null ? (
        <span className="dim">{say("noPreview")}</span>
      ) : (
        <span className="ell user-text" dir="auto" title={isShown ? preview.text : undefined}>
          {preview.text ? <VeiledWords>{preview.text}</VeiledWords> : <span className="dim">{say("noText")}</span>}
        </span>
      )}
      {preview && preview.media.count > 0 ? <span className="badge">{say("media", { count: preview.media.count })}</span> : null}
    </span>
  );
}

function Waits({ at }: { at: string }) {
  const now = useNow(30);
  const span = useSpan();
  return <time dateTime={at}>{span(now - Date.parse(at))}</time>;
}

function Due({ row }: { row: Listed }) {
  const say = useWords(words);
  const now = useNow(30);
  const span = useSpan();
  if (!row.deadline) return <span className="dim">{say("free")}</span>;
  const left = Date.parse(row.deadline) - now;
  const text = left < 0 ? say("overdue", { span: span(-left) }) : say("left", { span: span(left) });
  const whole = Date.parse(row.deadline) - Date.parse(row.createdAt);
  const level = left < 0 ? "severe" : left < 0.3 * whole ? "high" : null;
  return level ? <Severity level={level}>{text}</Severity> : <span className="tnum">{text}</span>;
}

function Here({ row }: { row: Listed }) {
  const say = useWords(words);
  const now = useNow(30);
  const me = useSession().user.id;
  if (row.lease && Date.parse(row.lease.expiresAt) > now) {
    return <span className={row.lease.reviewerId === me ? "med ell user-text" : "ell user-text"}>{say("heldBy", { name: row.lease.reviewer?.name ?? say("somebody") })}</span>;
  }
  if (row.kept) return <span className="dim ell user-text">{row.kept.person ? say("keptFor", { name: row.kept.person.name }) : say("onHold")}</span>;
  return <span className="dim">{say(row.skippedUntil ? "skipped" : "free")}</span>;
}

export function useGroupColumns(by: (typeof ALIKE)[number], selection: Selection, take: (group: Group) => void): Column<Group>[] {
  const say = useWords(words);
  const isWords = by === "TEXT";
  return [
    {
      id: "alike",
      header: say(by),
      cell: (row) => (
        <span className="ell user-text" dir="auto" title={isWords ? undefined : row.label}>
          {isWords ? <VeiledWords>{row.label}</VeiledWords> : row.label}
        </span>
      ),
    },
    { id: "count", header: say("columnCount"), width: 84, numeric: true, cell: (row) => <b className="med">{row.count.toLocaleString()}</b> },
    { id: "waits", header: say("columnWaits"), width: 104, numeric: true, wide: true, cell: (row) => <Waits at={row.oldest} /> },
    {
      id: "pick",
      header: say("pickGroup"),
      quiet: true,
      width: 120,
      numeric: true,
      cell: (row) => (
        <Button
          size="xs"
          aria-pressed={row.sampleJobIds.every((id) => selection.ids.has(id))}
          onClick={(event) => {
            event.stopPropagation();
            take(row);
          }}
        >
          {say("pickGroup")}
          <span className="hidden">{isWords ? <VeiledWords>{row.label}</VeiledWords> : row.label}</span>
        </Button>
      ),
    },
  ];
}
