/**
 * A queue as a list: the jobs that wait in the order that was chosen, or those that are alike; picked
 * ones are decided together. Enter opens the one under the cursor, Start plays them one after another.
 */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { IconChevronLeft } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

import { asProblem } from "@/api/problem";
import { useNames } from "@/configuration/names";
import { queuesQuery } from "@/configuration/query";
import { sentenceOf } from "@/control/sentence";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { claimIn } from "@/review/claim";
import { useSession } from "@/session/session";
import { NotFound } from "@/shell/not-found";
import { appName } from "@/shell/title";
import { DataTable, type Sort } from "@/table/data-table";
import { NOTHING, type Selection } from "@/table/selection";
import { useWordsShown, WordsBar, WordsVeil } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { BatchPanel } from "./batch-panel";
import { useGroupColumns, useListColumns } from "./list-columns";
import { ALIKE, allOf, groupsOf, jobsOf, type Group, type Listed, type Search } from "./list";
import { words } from "./list-words";
import classes from "./queue.module.css";

const route = getRouteApi("/_app/queues_/$queueId");
const SORT_OF = { due: "deadline", severity: "severity", waits: "age" } as const;

export function ListPage() {
  const { queueId } = route.useParams();
  const { data: queues } = useQuery({ ...queuesQuery, retry: false });
  // Gone, or of people who are not meant: a list of nothing would say that nothing waits.
  if (queues && !queues.some((one) => one.id === queueId)) return <NotFound />;
  return <List key={queueId} queueId={queueId} />;
}

function List({ queueId }: { queueId: string }) {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const names = useNames();
  const { wellness } = useSession();
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [seen, setSeen] = useState<ReadonlyMap<string, Seen>>(new Map());
  const [deciding, setDeciding] = useState(false);
  const name = names.queue(queueId);
  const go = (change: Search) => void navigate({ to: "/queues/$queueId", params: { queueId }, search: { ...search, ...change }, replace: true });
  useEffect(() => {
    document.title = `${say("title", { queue: name })} · ${appName}`;
  });
  const clear = () => {
    setSelection(NOTHING);
    setDeciding(false);
  };
  const pick = (next: Selection, jobs: readonly Listed[]) => {
    setSelection(next);
    setSeen((before) => new Map([...before, ...jobs.map((one) => [one.id, { typeId: one.itemTypeId, name: one.preview?.text || one.itemId }] as const)]));
  };
  const pickAlike = (next: Selection, group: Group) => {
    setSelection(next);
    setSeen((before) => new Map([...group.sampleJobIds.map((id) => [id, { typeId: null, name: group.label }] as const), ...before]));
  };
  const drop = (jobIds: readonly string[]) => setSelection((before) => ({ ...before, ids: new Set([...before.ids].filter((id) => !jobIds.includes(id))) }));
  const isPicked = selection.ids.size > 0;
  useCommand({ id: "queue.decide", scope: "list", keys: "A", label: say("decide"), enabled: isPicked, run: () => setDeciding(true) });
  useCommand({ id: "queue.clear", scope: "list", keys: "Escape", label: say("clearKey"), enabled: isPicked, run: clear });
  const ids = [...selection.ids];
  const typeIds = [...new Set(ids.flatMap((id) => seen.get(id)?.typeId ?? []))];
  return (
    <WordsVeil jobKey={queueId} wellness={wellness}>
      <ListHead queueId={queueId} name={name} search={search} go={go} />
      <WordsBar />
      <div className={classes.split} data-open={deciding || undefined} data-batch={deciding || undefined}>
        <div>
          <Pane key={search.by ?? "jobs"}>
            {search.by ? (
              <Groups queueId={queueId} by={search.by} name={name} selection={selection} pick={pickAlike} />
            ) : (
              <Jobs queueId={queueId} search={search} go={go} name={name} selection={selection} pick={pick} />
            )}
          </Pane>
        </div>
        {deciding ? (
          <aside className={classes.peek} aria-label={say("decide")}>
            <Pane>
              <BatchPanel queueId={queueId} jobIds={ids} typeIds={typeIds} nameOf={(id) => seen.get(id)?.name ?? null} close={() => setDeciding(false)} done={drop} />
            </Pane>
          </aside>
        ) : null}
      </div>
      {isPicked && !deciding ? (
        <div className={classes.bulk} role="region" aria-label={say("picked", { count: ids.length })}>
          <b>{say("picked", { count: ids.length })}</b>
          <Button size="xs" variant="filled" onClick={() => setDeciding(true)} rightSection={<Keys of="queue.decide" fallback="A" />}>
            {say("decide")}
          </Button>
          <Button size="xs" variant="subtle" className="end" onClick={clear} rightSection={<Keys of="queue.clear" fallback="Escape" />}>
            {say("clear")}
          </Button>
        </div>
      ) : null}
    </WordsVeil>
  );
}

/** Of a job that was picked, what the list said of it. */
interface Seen {
  readonly typeId: string | null;
  readonly name: string;
}

function ListHead({ queueId, name, search, go }: { queueId: string; name: string; search: Search; go: (change: Search) => void }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const [starting, setStarting] = useState(false);
  const count = useInfiniteQuery({ ...jobsOf(queueId, search), enabled: !search.by }).data?.pages[0]?.count;
  const play = () => {
    if (starting) return;
    setStarting(true);
    claimIn(queueId)
      .then((claim) => {
        if (claim) return navigate({ to: "/jobs/$jobId", params: { jobId: claim.job.id } });
        toast(say("emptyTitle", { queue: name }));
        return undefined;
      })
      .catch((error: unknown) => toast(asProblem(error) ? sentenceOf(asProblem(error) as never) : String(error)))
      .finally(() => setStarting(false));
  };
  useCommand({ id: "queue.play", scope: "list", keys: "S", label: say("playKey"), run: play });
  return (
    <>
      <header className={classes.head}>
        <Link to="/queues" search={{ peek: queueId }} className={`${classes.icon ?? ""} ${classes.back ?? ""}`} aria-label={say("back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <h1 className="user-text ell">{name}</h1>
        {count ? <span className="dim t13">{say(count.more ? "countMore" : "count", { count: count.value })}</span> : null}
        <Button size="xs" className="end" variant="filled" loading={starting} onClick={play} rightSection={<Keys of="queue.play" fallback="S" />}>
          {say("play")}
        </Button>
      </header>
      <div className={classes.filters}>
        <button type="button" className={classes.chip} aria-pressed={!search.by} onClick={() => go({ by: undefined })}>
          {say("jobs")}
        </button>
        <span className="dim t12">{say("alike")}</span>
        {ALIKE.map((by) => (
          <button key={by} type="button" className={classes.chip} aria-pressed={search.by === by} onClick={() => go({ by })}>
            {say(by)}
          </button>
        ))}
      </div>
    </>
  );
}

interface JobsProps {
  readonly queueId: string;
  readonly name: string;
  readonly search: Search;
  readonly go: (change: Search) => void;
  readonly selection: Selection;
  readonly pick: (next: Selection, jobs: readonly Listed[]) => void;
}

function Jobs({ queueId, name, search, go, selection, pick }: JobsProps) {
  const say = useWords(words);
  const navigate = useNavigate();
  const columns = useListColumns();
  const isShown = useWordsShown();
  const { data, error, isPending, refetch, ...more } = useInfiniteQuery(jobsOf(queueId, search));
  const [cursor, setCursor] = useState<string | null>(null);
  // Picked without being shown: of what type they are decides what can be done with them.
  const gathered = useRef<readonly Listed[]>([]);
  const gather = async () => {
    const { jobs: all, isCut } = await allOf(queueId, search);
    gathered.current = all;
    return { ids: all.map((one) => one.id), isCut };
  };
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton lines={12} />;
  const jobs = data.pages.flatMap((page) => page.items);
  const count = data.pages[0]?.count;
  const by = Object.entries(SORT_OF).find(([, sort]) => sort === search.sort)?.[0];
  const sort: Sort | undefined = by ? { by, descending: by === "severity" || Boolean(search.newest) } : undefined;
  const order = (next: Sort) => go({ sort: SORT_OF[next.by as keyof typeof SORT_OF], newest: next.by === "waits" && next.descending ? true : undefined });
  return (
    <DataTable
      id="queue-list"
      caption={say("title", { queue: name })}
      columns={columns}
      rows={jobs}
      rowId={(row) => row.id}
      rowName={(row) => (isShown && row.preview?.text) || row.itemId}
      cursor={jobs.some((one) => one.id === cursor) ? cursor : (jobs[0]?.id ?? null)}
      onCursor={setCursor}
      onOpen={(row) => void navigate({ to: "/jobs/$jobId", params: { jobId: row.id } })}
      sort={sort}
      onSort={order}
      selection={selection}
      onSelect={(next) => pick(next, [...jobs, ...gathered.current])}
      matching={{ count: count && !count.more ? count.value : null, gather }}
      more={more}
      empty={<Empty title={say("emptyTitle", { queue: name })} next={<Link to="/queues">{say("back")}</Link>}>{say("emptyText")}</Empty>}
    />
  );
}

interface GroupsProps {
  readonly queueId: string;
  readonly by: (typeof ALIKE)[number];
  readonly name: string;
  readonly selection: Selection;
  readonly pick: (next: Selection, group: Group) => void;
}

function Groups({ queueId, by, name, selection, pick }: GroupsProps) {
  const say = useWords(words);
  const { data, error, isPending, refetch } = useQuery(groupsOf(queueId, by));
  const [cursor, setCursor] = useState<string | null>(null);
  const take = (group: Group) => pick({ ids: new Set([...selection.ids, ...group.sampleJobIds]), anchor: null }, group);
  const columns = useGroupColumns(by, selection, take);
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton lines={12} />;
  return (
    <DataTable
      id="queue-groups"
      caption={say("title", { queue: name })}
      tall
      columns={columns}
      rows={data.groups}
      rowId={(row) => row.key}
      cursor={data.groups.some((one) => one.key === cursor) ? cursor : (data.groups[0]?.key ?? null)}
      onCursor={setCursor}
      onOpen={take}
      empty={<Empty title={say("noAlike")}>{say("noAlikeText", { count: data.examined })}</Empty>}
    />
  );
}
