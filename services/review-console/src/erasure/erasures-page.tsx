/** Erasures: all of them at the left; the report of one, or a new one, at the right. The filter is the address. */
import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { DataTable, type Column } from "@/table/data-table";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { EraseForm } from "./erase-form";
import { ErasureReport } from "./erasure-report";
import classes from "./erasure.module.css";
import { erasuresQuery, STATES, type Erasure, type Search } from "./query";
import { words } from "./words";

const route = getRouteApi("/_app/settings/erasures");
const ALL = "ALL";

export function ErasuresPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: Partial<Search>) => void navigate({ to: "/settings/erasures", replace: true, search: { state: search.state, ...change } });
  const list = useInfiniteQuery(erasuresQuery(search.state));
  const begin = () => go({ new: true });
  useCommand({ id: "erasures.new", scope: "list", keys: "C", label: say("new"), run: begin });
  const isOpen = search.new === true || search.id !== undefined;
  const all: Column<Erasure>[] = [
    { id: "state", header: say("state"), width: 112, cell: (one) => <Severity level={one.error ? "severe" : one.state === "COMPLETE" ? "done" : "medium"}>{say(one.state)}</Severity> },
    { id: "users", header: say("users"), width: 72, numeric: true, cell: (one) => one.total.toLocaleString() },
    { id: "done", header: say("done"), width: 72, numeric: true, cell: (one) => one.done.toLocaleString() },
    { id: "reason", header: say("reason"), wide: true, cell: (one) => <span className="user-text ell">{one.reason ?? ""}</span> },
    { id: "by", header: say("by"), width: 160, cell: (one) => <span className="user-text ell">{one.requestedByPerson?.name ?? ""}</span> },
    { id: "when", header: say("when"), width: 136, cell: (one) => <Moment at={one.createdAt} /> },
  ];
  const columns = isOpen ? all.filter(({ wide }) => !wide) : all;
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <SettingsHead title={say("title")} facts={say("facts")}>
        <Button size="xs" onClick={begin} rightSection={<Keys of="erasures.new" fallback="C" />}>
          {say("new")}
        </Button>
      </SettingsHead>
      <div className={shared.filters}>
        <SegmentedControl size="xs" aria-label={say("which")} data={[{ value: ALL, label: say("all") }, ...STATES.map((value) => ({ value, label: say(value) }))]} value={search.state ?? ALL} onChange={(value) => go({ state: STATES.find((one) => one === value) })} />
      </div>
      <div className={shared.page} data-half={isOpen || undefined} data-alone={isOpen ? undefined : true}>
        <div className={classes.list}>
          <Pane>
            {list.error && !list.data ? <Problem error={list.error} again={() => void list.refetch()} /> : null}
            {list.isPending ? <Skeleton lines={6} /> : null}
            {list.data && rows.length === 0 ? search.state === undefined ? (
              <Empty
                title={say("emptyTitle")}
                next={
                  <>
                    <Button onClick={begin}>{say("new")}</Button>
                    <HelpLink at="/settings/erasures" />
                  </>
                }
              >
                {say("emptyText")}
              </Empty>
            ) : (
              <Empty title={say("noneTitle")} next={<Button onClick={() => go({ state: undefined })}>{say("showAll")}</Button>}>
                {say("noneText")}
              </Empty>
            ) : null}
            {rows.length > 0 ? <DataTable id="erasures" caption={say("caption")} columns={columns} rows={rows} rowId={(one) => one.id} cursor={search.id ?? null} onCursor={(id) => go({ id })} onOpen={(one) => go({ id: one.id })} more={list} /> : null}
          </Pane>
        </div>
        {isOpen ? (
          <div className={shared.beside}>
            <Pane key={search.id ?? "new"}>{search.id === undefined ? <EraseForm made={(id) => go({ id })} close={() => go({})} /> : <ErasureReport id={search.id} close={() => go({})} />}</Pane>
          </div>
        ) : null}
      </div>
    </>
  );
}
