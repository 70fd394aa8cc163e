/**
 * A list of configuration documents: found, sorted and walked by keys; the address is what is shown.
 *
 * Guarantees: nothing is filtered or sorted here; "nothing yet" teaches what the thing is for, "nothing
 * fits" says what was looked for; `C` makes a new one, `/` goes to the field.
 */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState, type ReactNode } from "react";

import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { DataTable, type Column } from "@/table/data-table";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import type { listQuery, ListSearch, Told } from "./documents";
import { Find } from "./find";
import { SettingsHead } from "./head";
import classes from "./settings.module.css";
import { words } from "./words";

interface Props<D extends Told & { readonly name: string }> {
  readonly id: string;
  readonly title: string;
  /** What a new one is called on its button. */
  readonly newName: string;
  readonly query: ReturnType<typeof listQuery<D>>;
  readonly search: ListSearch;
  readonly go: (change: ListSearch) => void;
  readonly to: (id: string) => string;
  readonly open: (id: string) => void;
  /** Between the name and who changed it. */
  readonly columns: readonly Column<D>[];
  readonly under?: (row: D) => ReactNode;
  readonly empty: ReactNode;
  readonly tools?: ReactNode;
  /** Under the head: to lists of the same page. */
  readonly tabs?: ReactNode;
}

export function DocumentList<D extends Told & { readonly name: string }>(props: Props<D>) {
  const { id, title, newName, query, search, go, open, empty, tools, tabs } = props;
  const say = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  const list = useInfiniteQuery(query);
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const [walked, setWalked] = useState<string | null>(null);
  const columns = useColumnsOf(props);
  useCommand({ id: `${id}.new`, scope: "list", keys: "C", label: say("newKey"), run: () => open("new") });
  useCommand({ id: `${id}.find`, scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  return (
    <>
      <SettingsHead title={title} facts={<span role="status">{list.data ? say("loaded", { count: rows.length, more: String(list.hasNextPage) }) : null}</span>}>
        {tools}
        <Button size="xs" variant="filled" onClick={() => open("new")} rightSection={<Keys of={`${id}.new`} fallback="C" />}>
          {newName}
        </Button>
      </SettingsHead>
      {tabs}
      <div className={classes.filters}>
        <Find ref={field} value={search.q} find={(q) => go({ q })} label={say("find")} />
      </div>
      <Pane>
        {list.error && !list.data ? (
          <Problem error={list.error} again={() => void list.refetch()} />
        ) : list.data === undefined ? (
          <Skeleton lines={8} />
        ) : (
          <DataTable
            id={`settings.${id}`}
            caption={title}
            columns={columns}
            rows={rows}
            rowId={(row) => row.id}
            rowName={(row) => row.name}
            cursor={walked ?? rows[0]?.id}
            onCursor={setWalked}
            onOpen={(row) => open(row.id)}
            sort={{ by: search.sort ?? "name", descending: search.sort !== undefined && search.sort !== "name" }}
            onSort={({ by }) => go({ sort: by === "updated" ? "updated" : undefined })}
            more={list}
            empty={
              search.q === undefined ? (
                empty
              ) : (
                <Empty title={say("noneFits")} next={<Button onClick={() => go({ q: undefined })}>{say("clear")}</Button>}>
                  {say("noneFitsText", { q: search.q })}
                </Empty>
              )
            }
          />
        )}
      </Pane>
    </>
  );
}

function useColumnsOf<D extends Told & { readonly name: string }>({ columns, to, under }: Props<D>): Column<D>[] {
  const say = useWords(words);
  return [
    {
      id: "name",
      header: say("name"),
      sortable: true,
      cell: (row) => (
        <span className={classes.name}>
          <Link to={to(row.id) as "/queues"} className="user-text ell">
            {row.name}
          </Link>
          {under ? <span className="dim t12 ell user-text">{under(row)}</span> : null}
        </span>
      ),
    },
    ...columns,
    { id: "usedBy", header: say("usedBy"), width: 84, numeric: true, wide: true, cell: (row) => row.usedByCount ?? "–" },
    {
      id: "updated",
      header: say("changed"),
      width: 208,
      sortable: true,
      wide: true,
      cell: (row) => (
        <>
          <Moment at={row.updatedAt} relative /> {row.updatedByPerson ? <span className="dim user-text">{say("by", { name: row.updatedByPerson.name })}</span> : null}
        </>
      ),
    },
  ];
}
