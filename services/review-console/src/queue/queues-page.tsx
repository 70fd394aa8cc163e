/**
 * Queues: where a reviewer chooses what to work on. Head, filters, the table, and beside it the queue
 * under the cursor. Kept live by the event stream.
 */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { IconSearch } from "@tabler/icons-react";
import { Suspense, useEffect, useRef, useState } from "react";

import { Empty, Pane, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { useCommand, Written } from "@/key/keys";
import { Severity } from "@/look/severity";
import { secondCountsQuery } from "@/review/second-review";
import { usePermission } from "@/session/session";
import { appName } from "@/shell/title";
import { DataTable } from "@/table/data-table";
import { useWords } from "@/words/words";

import { useColumns } from "./columns";
import { fits, groupOf, mineQuery, useQueueRows, type Only, type QueueRow } from "./dashboard";
import { QueuePeek } from "./peek";
import classes from "./queue.module.css";
import { RemovedQueues } from "./removed";
import { useStar, useStart } from "./use-start";
import { words } from "./words";

const route = getRouteApi("/_app/queues");
const CLOSED = "none";

export function QueuesPage() {
  const say = useWords(words);
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  return (
    <Suspense fallback={<Skeleton lines={12} />}>
      <Dashboard />
    </Suspense>
  );
}

function Dashboard() {
  const say = useWords(words);
  const { q = "", only, peek } = route.useSearch();
  const navigate = useNavigate();
  const all = useQueueRows();
  const rows = all.filter((row) => fits(row, only, q));
  const [walked, setWalked] = useState<string | null>(null);
  const cursor = rows.find((row) => row.queue.id === (peek ?? walked)) ?? rows.find((row) => row.queue.id === walked) ?? rows[0];
  const search = (change: { q?: string; only?: Only; peek?: string }) => void navigate({ to: "/queues", replace: true, search: { q: q || undefined, only, peek, ...change } });
  const move = (id: string) => {
    setWalked(id);
    if (peek && peek !== CLOSED) search({ peek: undefined });
  };
  const { start, starting } = useStart(all);
  const star = useStar();
  const columns = useColumns({ all, cursorId: cursor?.queue.id ?? null, start, starting, star });
  const isOpen = peek !== CLOSED && cursor !== undefined;
  useCommand({ id: "queue.peek", scope: "list", keys: "Space", label: say("peekKey"), run: () => search({ peek: isOpen ? CLOSED : undefined }) });
  useCommand({ id: "queue.list", scope: "list", keys: "L", label: say("listKey"), enabled: cursor !== undefined, run: () => cursor && void navigate({ to: "/queues/$queueId", params: { queueId: cursor.queue.id } }) });
  useCommand({ id: "queue.star", scope: "list", keys: "*", label: say("starKey"), enabled: cursor !== undefined, run: () => cursor && star(cursor) });
  return (
    <>
      <Head rows={all} />
      <Filters all={all} q={q} only={only} search={search} />
      <div className={classes.split} data-open={isOpen || undefined}>
        <DataTable
          id="queues"
          caption={say("title")}
          tall
          columns={columns}
          rows={rows}
          rowId={(row) => row.queue.id}
          groupOf={(row) => say(groupOf(row))}
          cursor={cursor?.queue.id ?? null}
          onCursor={move}
          onOpen={start}
          empty={<NoRows any={all.length > 0} clear={() => search({ q: undefined, only: undefined })} />}
        />
        {isOpen ? (
          <aside className={classes.peek} aria-label={cursor.queue.name}>
            <Pane key={cursor.queue.id}>
              <QueuePeek row={cursor} start={() => start(cursor)} close={() => search({ peek: CLOSED })} />
            </Pane>
          </aside>
        ) : null}
      </div>
      {all.filter((row) => row.isStarred).slice(0, 9).map((row, index) => (
        <NthStart key={row.queue.id} n={index + 1} run={() => start(row)} />
      ))}
    </>
  );
}

function NthStart({ n, run }: { n: number; run: () => void }) {
  const say = useWords(words);
  useCommand({ id: `queue.start.${n}`, scope: "list", keys: String(n), label: say("startNth", { n }), run });
  return null;
}

function Head({ rows }: { rows: readonly QueueRow[] }) {
  const say = useWords(words);
  const { data: mine } = useQuery(mineQuery);
  const second = (useQuery({ ...secondCountsQuery, retry: false }).data ?? []).reduce((sum, one) => sum + one.waiting, 0);
  const waiting = rows.reduce((sum, row) => sum + row.pending, 0);
  const overdue = rows.filter((row) => row.overdue > 0).length;
  const bold = (chunks: React.ReactNode[]) => <b>{chunks}</b>;
  return (
    <header className={classes.head}>
      <h1>{say("title")}</h1>
      <span className="dim t13 ell">
        {say("wait", { jobs: waiting, queues: rows.filter((row) => row.pending > 0).length })}
      </span>
      {overdue > 0 ? (
        <span className="t13">
          <Severity level="severe">{say("overdueQueues", { count: overdue })}</Severity>
        </span>
      ) : null}
      {second > 0 ? (
        <Link to="/second-review" className="t13">
          {say("secondReviews", { count: second })}
        </Link>
      ) : null}
      {mine ? <span className={`end t13 dim ${classes.today}`}>{say.rich("today", { decided: mine.decided, skipped: mine.skipped, b: bold })}</span> : null}
    </header>
  );
}

interface FilterProps {
  readonly all: readonly QueueRow[];
  readonly q: string;
  readonly only: Only | undefined;
  readonly search: (change: { q?: string; only?: Only }) => void;
}

function Filters({ all, q, only, search }: FilterProps) {
  const say = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  const leads = usePermission("EDIT_MRT_QUEUES");
  const [removed, setRemoved] = useState(false);
  useCommand({ id: "queue.filter", scope: "list", keys: "/", label: say("openFilter"), run: () => field.current?.focus() });
  const chips = [
    ["overdue", "onlyOverdue"],
    ["free", "onlyFree"],
    ["waiting", "onlyWaiting"],
  ] as const;
  return (
    <div className={classes.filters} role="search">
      <label className={classes.filter}>
        <span className="hidden">{say("filter")}</span>
        <IconSearch className="icon dim" aria-hidden="true" />
        <input
          ref={field}
          type="search"
          placeholder={say("filter")}
          value={q}
          onChange={(event) => search({ q: event.currentTarget.value || undefined })}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            // The browser would empty the field.
            event.preventDefault();
            document.querySelector<HTMLElement>("main [role=region]")?.focus();
          }}
        />
        <Written keys="/" />
      </label>
      {chips.map(([name, key]) => (
        <button key={name} type="button" className={classes.chip} aria-pressed={only === name} onClick={() => search({ only: only === name ? undefined : name })}>
          {say(key, { count: all.filter((row) => fits(row, name, "")).length })}
        </button>
      ))}
      {leads ? (
        <button type="button" className={classes.chip} onClick={() => setRemoved(true)}>
          {say("removed")}
        </button>
      ) : null}
      {removed ? <RemovedQueues close={() => setRemoved(false)} /> : null}
      <span className={`end row g8 dim t12 ${classes.hints}`}>
        <Written keys="J K" /> {say("move")}
        <Written keys="L" /> {say("list")}
        <Written keys="Space" /> {say("peek")}
        <Written keys="*" /> {say("star")}
      </span>
    </div>
  );
}

function NoRows({ any, clear }: { any: boolean; clear: () => void }) {
  const say = useWords(words);
  if (!any) return <Empty title={say("emptyTitle")} next={<HelpLink at="/queues" />}>{say("emptyText")}</Empty>;
  return (
    <Empty
      title={say("noMatchTitle")}
      next={
        <button type="button" className={classes.chip} onClick={clear}>
          {say("clear")}
        </button>
      }
    >
      {say("noMatchText")}
    </Empty>
  );
}
