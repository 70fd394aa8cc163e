/**
 * Decisions: what people, rules and the platform decided, newest first. The filters are the address;
 * beside the list the entry under the cursor, as it was, with what it caused and how to take it back.
 */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { IconLink } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { sentenceOf } from "@/control/sentence";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { useCommand } from "@/key/keys";
import { Views } from "@/saved-view/views-menu";
import { useSession } from "@/session/session";
import { built } from "@/shell/navigation";
import { appName } from "@/shell/title";
import { ColumnMenu, DataTable } from "@/table/data-table";
import { WordsVeil } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { useColumns } from "./columns";
import classes from "./decision-log.module.css";
import { ExportMenu, ExportStrip, useExport } from "./export";
import { FilterBar, none, useCalled } from "./filters";
import { countOf, logQuery, titleOf, type Entry } from "./log";
import { Search } from "./search";
import { DecisionPeek } from "./peek";
import { words } from "./words";

const route = getRouteApi("/_app/decisions");
const CLOSED = "none";

export function DecisionsPage() {
  const say = useWords(words);
  const { peek, ...filters } = route.useSearch();
  const navigate = useNavigate();
  const names = useNames();
  const { user, wellness } = useSession();
  const log = useInfiniteQuery(logQuery(filters));
  const rows = log.data?.pages.flatMap((page) => page.items) ?? [];
  const [walked, setWalked] = useState<string | null>(null);
  const named = rows.find((row) => row.id === (walked ?? peek));
  const isFar = log.data !== undefined && peek !== undefined && peek !== CLOSED && named === undefined && walked === null;
  const search = (change: Search) => void navigate({ to: "/decisions", replace: true, search: { ...filters, peek, ...change } });
  const lost = useFarPeek(peek, isFar, (job) => (filters.job === job ? undefined : search({ ...none(filters), job })));
  // While it is looked for, nothing else takes its place.
  const cursor = named ?? (isFar ? undefined : rows[0]);
  const isOpen = peek !== CLOSED && (cursor !== undefined || isFar);
  // Where there is room for one of them: the list, until a decision was asked for.
  const isAsked = isOpen && peek !== undefined;
  const called = useCalled(names);
  const exporting = useExport(filters);
  const columns = useColumns({ names, me: user.id, isPeeking: isOpen, undo: useUndo() });
  const move = (id: string) => {
    setWalked(id);
    if (peek !== CLOSED) search({ peek: id });
  };
  const open = (entry: Entry) => {
    if (entry.jobId && built().has("/jobs")) void navigate({ to: `/jobs/${entry.jobId}` as "/queues" });
    else search({ peek: entry.id });
  };
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  useCommand({ id: "decisions.peek", scope: "list", keys: "Space", label: say("peekKey"), run: () => search({ peek: isOpen ? CLOSED : cursor?.id }) });
  return (
    <>
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <span className="dim t13" role="status">
          {log.data ? say("loaded", { count: rows.length, more: String(log.hasNextPage) }) : null}
        </span>
        <span className="end row g8">
          <Views page="decisions" value={filters} apply={(value) => search({ ...none(filters), ...viewed(value), peek: isOpen ? undefined : CLOSED })} tell={(value) => say("filterCount", { count: countOf(viewed(value)) })} called={called} />
          <CopyLink />
          <ColumnMenu id="decisions" columns={columns} />
          <ExportMenu start={exporting.start} />
        </span>
      </header>
      <FilterBar filters={filters} names={names} set={(change) => search({ peek: isOpen ? undefined : CLOSED, ...change })} />
      <ExportStrip exporting={exporting} />
      {log.isPending ? <Skeleton lines={14} /> : null}
      {log.error && rows.length === 0 ? <Problem error={log.error} again={() => void log.refetch()} /> : null}
      {log.data ? (
        <div className={classes.split} data-open={isOpen || undefined} data-asked={isAsked || undefined}>
          <DataTable
            id="decisions"
            caption={say("title")}
            columns={columns}
            rows={rows}
            rowId={(row) => row.id}
            rowName={(row) => titleOf(row, names, say).text}
            cursor={cursor?.id ?? null}
            onCursor={move}
            onOpen={open}
            more={log}
            empty={<None count={countOf(filters)} clear={() => search(none(filters))} />}
          />
          {isOpen ? (
            <aside className={classes.peek} aria-label={cursor ? titleOf(cursor, names, say).text : say("columnDecision")}>
              {cursor ? (
                <WordsVeil jobKey={cursor.id} wellness={wellness}>
                  <Pane key={cursor.id}>
                    <DecisionPeek entry={cursor} names={names} close={() => search({ peek: CLOSED })} />
                  </Pane>
                </WordsVeil>
              ) : (
                <Lost lost={lost} close={() => search({ peek: undefined })} />
              )}
            </aside>
          ) : null}
        </div>
      ) : null}
    </>
  );
}

/**
 * A decision that an address names and that the list has not reached: its job is the filter then. Gives
 * why it cannot be shown; null while it may still be.
 */
function useFarPeek(peek: string | undefined, isFar: boolean, show: (jobId: string) => void): unknown {
  const { data, error } = useQuery({
    queryKey: ["decision", peek],
    enabled: isFar,
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/decisions/{decision_id}", { params: { path: { decision_id: peek ?? "" } }, signal })),
  });
  const jobId = isFar ? data?.jobId : undefined;
  useEffect(() => {
    if (jobId !== undefined) show(jobId);
    // Once for each; the function is a new one each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [jobId]);
  return error;
}

function Lost({ lost, close }: { lost: unknown; close: () => void }) {
  const say = useWords(words);
  if (!lost) return <Skeleton lines={6} />;
  const status = asProblem(lost)?.status;
  if (status !== 404 && status !== 422) return <Problem error={lost} />;
  return (
    <Empty
      title={say("lostTitle")}
      next={
        <Button size="xs" onClick={close}>
          {say("lostNext")}
        </Button>
      }
    >
      {say("lostText")}
    </Empty>
  );
}

/** Of a view what is a filter; of anything else nothing. */
function viewed(value: unknown): Search {
  const found = Search.safeParse(value).data;
  return found ? { ...found, peek: undefined } : {};
}

function CopyLink() {
  const say = useWords(words);
  return (
    <Button size="xs" leftSection={<IconLink className="icon" aria-hidden="true" />} onClick={() => void navigator.clipboard.writeText(location.href).then(() => toast(say("linkCopied")))}>
      {say("copyLink")}
    </Button>
  );
}

function None({ count, clear }: { count: number; clear: () => void }) {
  const say = useWords(words);
  if (count === 0) return <Empty title={say("empty")}>{say("emptyText")}</Empty>;
  return (
    <Empty
      title={say("noneFits", { count })}
      next={
        <Button size="xs" onClick={clear}>
          {say("clear")}
        </Button>
      }
    >
      {say("noneFitsText")}
    </Empty>
  );
}

/** Before it leaves, whoever decided takes it back; the job waits in its queue again. */
function useUndo(): (entry: Entry) => void {
  const say = useWords(words);
  return (entry) => {
    take(api.POST("/v1/decisions/{decision_id}/undo", { params: { path: { decision_id: entry.id } }, body: { claim: false } }))
      .then(() => toast(say("undid")))
      .catch((error: unknown) => {
        const problem = asProblem(error);
        if (!problem) throw error;
        toast(say("undoFailed", { why: sentenceOf(problem) }));
      })
      .finally(() => void queries.invalidateQueries({ queryKey: ["decisions"] }));
  };
}
