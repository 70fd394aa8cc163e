/** Bulk actions: all of them at the left, the one that is open or a new one at the right. */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { DataTable, type Column } from "@/table/data-table";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./bulk-action.module.css";
import { BulkPane } from "./bulk-pane";
import { OrderForm } from "./order-form";
import { bulksQuery, type Bulk, type Search } from "./query";
import { useWhat } from "./what";
import { words } from "./words";

const route = getRouteApi("/_app/bulk-actions");

export function BulkPage() {
  const say = useWords(words);
  const names = useNames();
  const what = useWhat(names);
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: Search) => void navigate({ to: "/bulk-actions", replace: true, search: change });
  const list = useInfiniteQuery(bulksQuery);
  const begin = () => go({ new: true });
  useCommand({ id: "bulk.new", scope: "list", keys: "C", label: say("start"), run: begin });
  const isOpen = search.new === true || search.id !== undefined;
  const all: Column<Bulk>[] = [
    { id: "state", header: say("state"), width: 112, cell: (one) => <span className={one.state === "RUNNING" ? "high" : "dim"}>{say(`state_${one.state}`)}</span> },
    { id: "what", header: say("what"), cell: (one) => <span className="user-text ell">{what(one)}</span> },
    { id: "items", header: say("items"), width: 72, numeric: true, cell: (one) => one.total.toLocaleString() },
    { id: "done", header: say("done"), width: 80, numeric: true, wide: true, cell: (one) => one.requested.toLocaleString() },
    { id: "refused", header: say("refused"), width: 72, numeric: true, wide: true, cell: (one) => (one.refused > 0 ? <span className="severe">{one.refused.toLocaleString()}</span> : "0") },
    { id: "who", header: say("who"), width: 136, wide: true, cell: (one) => <span className="user-text ell">{one.createdByPerson?.name ?? ""}</span> },
    { id: "when", header: say("when"), width: 112, cell: (one) => <Moment at={one.createdAt} /> },
  ];
  // Beside one that is open its own figures stand.
  const columns = isOpen ? all.filter(({ wide }) => !wide) : all;
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <SettingsHead title={say("title")} facts={say("facts")}>
        <Button size="xs" onClick={begin} rightSection={<Keys of="bulk.new" fallback="C" />}>
          {say("start")}
        </Button>
      </SettingsHead>
      <div className={shared.page} data-half={isOpen || undefined} data-alone={isOpen ? undefined : true}>
        <div className={classes.list}>
          <Pane>
            {list.error && !list.data ? <Problem error={list.error} again={() => void list.refetch()} /> : null}
            {list.isPending ? <Skeleton lines={6} /> : null}
            {list.data && rows.length === 0 ? (
              <Empty title={say("emptyTitle")} next={<Button onClick={begin}>{say("start")}</Button>}>
                {say("emptyText")}
              </Empty>
            ) : null}
            {rows.length > 0 ? <DataTable id="bulk-actions" caption={say("caption")} columns={columns} rows={rows} rowId={(one) => one.id} cursor={search.id ?? null} onCursor={(id) => go({ id })} onOpen={(one) => go({ id: one.id })} more={list} /> : null}
          </Pane>
        </div>
        {isOpen ? (
          <div className={shared.beside}>
            <Pane key={search.id ?? "new"}>{search.id === undefined ? <OrderForm made={(id) => go({ id })} close={() => go({})} /> : <BulkPane id={search.id} items={search.items} show={(items) => go({ id: search.id, items })} close={() => go({})} />}</Pane>
          </div>
        ) : null}
      </div>
    </>
  );
}
