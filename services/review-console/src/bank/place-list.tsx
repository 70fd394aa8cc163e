/** The places of a location bank as a list: the full equal of the map. */
import { Button, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useRef, useState } from "react";

import { asProblem } from "@/api/problem";
import { Empty, Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useCommand } from "@/key/keys";
import { DataTable, type Column } from "@/table/data-table";
import { NOTHING, type Selection } from "@/table/selection";
import { useWords } from "@/words/words";

import { changePlaces, type LocationBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./location-words";
import { calledPlace, centreOf, kindOf, pointText, type Place } from "./place";
import { sizeText } from "./place-facts";

interface Props {
  readonly bank: LocationBank;
  readonly chosen: string | null;
  readonly choose: (id: string) => void;
  /** Null: whoever looks may not. */
  readonly edit: ((place: Place) => void) | null;
}

export function PlaceList({ bank, chosen, choose, edit }: Props) {
  const say = useWords(words);
  const [q, setQ] = useState("");
  const asked = useDeferredValue(q);
  const field = useRef<HTMLInputElement>(null);
  const [picked, setPicked] = useState<Selection>(NOTHING);
  const [error, setError] = useState<unknown>(null);
  const places = useMemo(() => bank.locations ?? [], [bank.locations]);
  const rows = useMemo(() => {
    const wanted = asked.trim().toLocaleLowerCase();
    return wanted === "" ? places : places.filter((one) => `${one.name ?? ""}\n${one.geohash ?? ""}\n${one.id}`.toLocaleLowerCase().includes(wanted));
  }, [places, asked]);
  useCommand({ id: "bank.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  const remove = async (gone: readonly Place[]) => {
    setError(null);
    try {
      const { removed } = await changePlaces(bank, [], gone.map((one) => one.id));
      setPicked(NOTHING);
      toast(say("removed", { count: removed }), { undo: { label: say("undo"), run: () => void changePlaces(bank, gone, []).catch(setError) } });
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    }
  };
  const chosenRows = places.filter((one) => picked.ids.has(one.id));
  return (
    <div className={classes.placelist}>
      <div className={classes.bar}>
        <TextInput ref={field} type="search" size="xs" className={classes.find} leftSection={<IconSearch className="icon" aria-hidden="true" />} rightSection={<span role="status" className={classes.count}>{say("found", { found: rows.length, all: places.length })}</span>} rightSectionWidth={112} aria-label={say("find")} placeholder={say("find")} value={q} onChange={(event) => setQ(event.currentTarget.value)} />
        {chosenRows.length > 0 ? (
          <Button size="xs" onClick={() => void remove(chosenRows)}>
            {say("removePicked", { count: chosenRows.length })}
          </Button>
        ) : null}
      </div>
      {error ? <Problem error={error} /> : null}
      <DataTable
        id="bank.places"
        caption={say("place")}
        columns={useColumns(edit, (one) => void remove([one]))}
        rows={rows}
        rowId={(row) => row.id}
        rowName={calledPlace}
        cursor={chosen}
        onCursor={choose}
        onOpen={edit ?? undefined}
        selection={edit ? picked : undefined}
        onSelect={edit ? setPicked : undefined}
        tall
        empty={
          places.length === 0 ? (
            <Empty title={say("noEntries")}>{say("noEntriesText")}</Empty>
          ) : (
            <Empty title={say("noFit")} next={<Button onClick={() => setQ("")}>{say("showAll")}</Button>}>
              {say("noFitText")}
            </Empty>
          )
        }
      />
    </div>
  );
}

function useColumns(edit: Props["edit"], remove: (place: Place) => void): Column<Place>[] {
  const say = useWords(words);
  const where = (row: Place) => {
    const centre = centreOf(row);
    return row.geohash ?? (centre ? pointText(centre) : say("notKnown"));
  };
  return [
    { id: "place", header: say("place"), cell: (row) => <span className="user-text ell">{calledPlace(row)}</span> },
    { id: "kind", header: say("kind"), width: 120, wide: true, cell: (row) => say(kindOf(row)) },
    { id: "where", header: say("where"), width: 160, wide: true, cell: (row) => <span className="mono">{where(row)}</span> },
    { id: "size", header: say("size"), width: 184, numeric: true, wide: true, cell: (row) => sizeText(row) ?? "–" },
    ...(edit
      ? [
          {
            id: "tools",
            header: say("tools"),
            quiet: true,
            width: 140,
            cell: (row: Place) => (
              <span className={classes.rowtools}>
                <Button size="compact-xs" variant="subtle" aria-label={say("editOf", { place: calledPlace(row) })} onClick={() => edit(row)}>
                  {say("edit")}
                </Button>
                <Button size="compact-xs" variant="subtle" aria-label={say("removeOf", { place: calledPlace(row) })} onClick={() => remove(row)}>
                  {say("remove")}
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ];
}
