/** Reports to NCMEC, newest first: how far each got, its number, and which need a person. */
import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { Empty, Problem, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { usePermission } from "@/session/session";
import { appName } from "@/shell/title";
import { DataTable, type Column } from "@/table/data-table";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { PROGRESS, tipsQuery, type Search, type Tip } from "./query";
import { Environment, TipState } from "./state";
import { words } from "./words";

const route = getRouteApi("/_app/child-safety");
const ALL = "ALL";
const DUE = "DUE";

export function ReportsPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const tips = useInfiniteQuery(tipsQuery(search));
  const rows = tips.data?.pages.flatMap((page) => page.items) ?? [];
  const [cursor, setCursor] = useState<string | null>(null);
  const columns = useColumns();
  const may = usePermission("MANAGE_ORG");
  const isFiltered = search.progress !== undefined || search.due !== undefined;
  const go = (next: Search) => void navigate({ to: "/child-safety", replace: true, search: next });
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  return (
    <>
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <span className="dim t13" role="status">
          {tips.data ? say("loaded", { count: rows.length, more: String(tips.hasNextPage) }) : null}
        </span>
        {may ? (
          <Link to="/settings/ncmec" className="end">
            {say("toSettings")}
          </Link>
        ) : null}
      </header>
      <div className={classes.filters}>
        <SegmentedControl
          size="xs"
          aria-label={say("filter")}
          value={search.due ? DUE : (search.progress ?? ALL)}
          onChange={(chosen) => go(chosen === DUE ? { due: true } : { progress: PROGRESS.find((one) => one === chosen) })}
          data={[{ value: ALL, label: say("showAll") }, ...PROGRESS.map((one) => ({ value: one, label: say(one) })), { value: DUE, label: say("due") }]}
        />
      </div>
      {tips.isPending ? <Skeleton lines={10} /> : null}
      {tips.error && rows.length === 0 ? <Problem error={tips.error} again={() => void tips.refetch()} /> : null}
      {tips.data ? (
        <DataTable
          id="cybertips"
          caption={say("title")}
          columns={columns}
          rows={rows}
          rowId={(row) => row.id}
          rowName={(row) => say("openReport", { user: row.user.id || say("erased") })}
          cursor={cursor ?? rows[0]?.id ?? null}
          onCursor={setCursor}
          onOpen={(row) => void navigate({ to: "/child-safety/$cybertipId", params: { cybertipId: row.id } })}
          more={tips}
          empty={
            isFiltered ? (
              <Empty title={say("emptyFilter")} next={<Button size="xs" onClick={() => go({})}>{say("clear")}</Button>}>
                {say("emptyFilterText")}
              </Empty>
            ) : (
              <Empty
                title={say("emptyTitle")}
                next={
                  <>
                    <Link to="/queues">{say("toQueues")}</Link>
                    <HelpLink at="/child-safety" />
                  </>
                }
              >
                {say("emptyText")}
              </Empty>
            )
          }
        />
      ) : null}
    </>
  );
}

function useColumns(): Column<Tip>[] {
  const say = useWords(words);
  return [
    { id: "at", header: say("columnAt"), width: 128, cell: (tip) => <span className="dim"><Moment at={tip.requestedAt} dated /></span> },
    { id: "state", header: say("columnState"), cell: (tip) => <TipState tip={tip} /> },
    {
      id: "user",
      header: say("columnUser"),
      width: 200,
      cell: (tip) => (
        <Link to="/child-safety/$cybertipId" params={{ cybertipId: tip.id }} className="ell user-text">
          {tip.user.id || say("erased")}
        </Link>
      ),
    },
    { id: "where", header: say("columnWhere"), width: 108, wide: true, cell: (tip) => <Environment of={tip.environment} /> },
    { id: "number", header: say("columnNumber"), width: 112, numeric: true, wide: true, cell: (tip) => <span className="mono">{tip.reportId ?? say("none")}</span> },
    { id: "files", header: say("columnFiles"), width: 112, numeric: true, wide: true, cell: (tip) => say("filesOf", { files: tip.files, missing: tip.missing }) },
    { id: "by", header: say("columnReviewer"), width: 160, wide: true, hideable: true, cell: (tip) => <span className="user-text">{tip.reviewer?.name ?? say("someone")}</span> },
    { id: "next", header: say("columnNext"), width: 112, numeric: true, wide: true, cell: (tip) => (tip.dueAt && !tip.filedAt ? <Moment at={tip.dueAt} relative /> : <span className="dim">{say("none")}</span>) },
  ];
}
