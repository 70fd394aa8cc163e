/**
 * A text bank's entries: found while typing, each to be edited or removed, thousands as fast as ten.
 *
 * Guarantees: only what is in sight is in the document; what has no width, or turns what follows, is
 * shown by its code; what is removed can be had back from the toast.
 */
import { Button, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState, type ReactNode, type RefObject } from "react";

import { asProblem } from "@/api/problem";
import { markedText } from "@/control/revealed";
import { Empty, Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Severity } from "@/look/severity";
import { DataTable, type Column } from "@/table/data-table";
import { NOTHING, type Selection } from "@/table/selection";
import { languageTag, useWords } from "@/words/words";

import { broadness, changeTexts, entriesWith, type TextBank } from "./bank";
import classes from "./bank.module.css";
import { EditEntry } from "./edit-entry";
import { words } from "./words";

interface Row {
  readonly at: number;
  readonly text: string;
}

interface Props {
  readonly bank: TextBank;
  readonly q: string;
  readonly setQ: (q: string) => void;
  readonly field: RefObject<HTMLInputElement | null>;
  readonly mayChange: boolean;
}

export function Entries({ bank, q, setQ, field, mayChange }: Props) {
  const say = useWords(words);
  const asked = useDeferredValue(q);
  const strings = useMemo(() => bank.strings ?? [], [bank.strings]);
  const rows = useMemo(() => entriesWith(strings, asked).map((at): Row => ({ at, text: strings[at] ?? "" })), [strings, asked]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [picked, setPicked] = useState<Selection>(NOTHING);
  const [edited, setEdited] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const remove = async (gone: readonly string[]) => {
    setError(null);
    try {
      const { removed } = await changeTexts(bank, [], gone);
      setPicked(NOTHING);
      toast(say("removedEntries", { count: removed }), { undo: { label: say("undo"), run: () => void changeTexts(bank, gone, []).catch(setError) } });
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    }
  };
  const columns = useColumns(bank, asked, mayChange, setEdited, (text) => void remove([text]));
  const known = new Set(strings);
  const chosen = [...picked.ids].filter((text) => known.has(text));
  return (
    <div className={classes.entries}>
      <div className={classes.bar}>
        <TextInput
          ref={field}
          type="search"
          size="xs"
          className={classes.find}
          autoFocus
          leftSection={<IconSearch className="icon" aria-hidden="true" />}
          rightSection={<span role="status" className={classes.count}>{say("found", { found: rows.length, all: strings.length })}</span>}
          rightSectionWidth={112}
          aria-label={say("find")}
          placeholder={say("find")}
          value={q}
          onChange={(event) => setQ(event.currentTarget.value)}
        />
        {chosen.length > 0 ? (
          <Button size="xs" onClick={() => void remove(chosen)}>
            {say("removePicked", { count: chosen.length })}
          </Button>
        ) : null}
      </div>
      {error ? <Problem error={error} /> : null}
      <DataTable
        id="bank.entries"
        caption={say("entries")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.text}
        rowName={(row) => row.text}
        cursor={cursor}
        onCursor={setCursor}
        onOpen={mayChange ? (row) => setEdited(row.text) : undefined}
        selection={mayChange ? picked : undefined}
        onSelect={mayChange ? setPicked : undefined}
        tall
        empty={
          strings.length === 0 ? (
            <Empty title={say("noEntries")}>{say("noEntriesText")}</Empty>
          ) : (
            <Empty title={say("noFit")} next={<Button onClick={() => setQ("")}>{say("showAll")}</Button>}>
              {say("noFitText", { count: strings.length })}
            </Empty>
          )
        }
      />
      {edited === null ? null : <EditEntry bank={bank} entry={edited} close={() => setEdited(null)} />}
    </div>
  );
}

function useColumns(bank: TextBank, q: string, mayChange: boolean, edit: (text: string) => void, remove: (text: string) => void): Column<Row>[] {
  const say = useWords(words);
  const said = new Map((bank.warnings ?? []).map((one) => [one.pointer, one.reason]));
  return [
    { id: "number", header: say("number"), width: 76, numeric: true, wide: true, cell: (row) => <span className="dim">{(row.at + 1).toLocaleString(languageTag())}</span> },
    {
      id: "entry",
      header: say("entry"),
      cell: (row) => {
        const letters = bank.type === "STRING" ? broadness(row.text) : null;
        const warning = said.get(`/strings/${row.at}`) ?? said.get(`/${row.at}`);
        return (
          <span className={classes.entry} data-pattern={bank.type === "REGEX" || undefined}>
            <span className="user-text" dir="auto" title={row.text}>
              {found(row.text, q)}
            </span>
            {letters === null ? null : (
              <span title={say("broadWhy", { count: letters })}>
                <Severity level="high">{say("broad")}</Severity>
              </span>
            )}
            {warning ? <Severity level="medium">{warning}</Severity> : null}
          </span>
        );
      },
    },
    ...(mayChange
      ? [
          {
            id: "tools",
            header: say("tools"),
            quiet: true,
            width: 156,
            cell: (row: Row) => (
              <span className={classes.rowtools}>
                <Button size="compact-xs" variant="subtle" aria-label={say("editOf", { entry: row.text })} onClick={() => edit(row.text)}>
                  {say("edit")}
                </Button>
                <Button size="compact-xs" variant="subtle" aria-label={say("removeOf", { entry: row.text })} onClick={() => remove(row.text)}>
                  {say("remove")}
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ];
}

/** What was looked for marked, and what hides shown. */
function found(text: string, q: string): ReactNode {
  const at = q === "" ? -1 : text.toLocaleLowerCase().indexOf(q.toLocaleLowerCase());
  // Where lower case has another length, what stands there is not what was found.
  if (at < 0 || text.toLocaleLowerCase().length !== text.length) return markedText(text);
  return (
    <>
      {markedText(text.slice(0, at))}
      <mark>{markedText(text.slice(at, at + q.length))}</mark>
      {markedText(text.slice(at + q.length))}
    </>
  );
}
