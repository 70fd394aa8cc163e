/** What they did: the account's items, the item's jobs and versions; below, the thread around the row
 * under the cursor. */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { useNames, type Names } from "@/configuration/names";
import { changesBetween, Differences } from "@/control/difference";
import { Empty, Problem, Skeleton } from "@/control/state";
import { nameOf, textOf } from "@/item/glance";
import { useCommand, Written } from "@/key/keys";
import { DataTable, type Column } from "@/table/data-table";
import { NOTHING, type Selection } from "@/table/selection";
import { Moment } from "@/time/moment";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import { Listed } from "./listed";
import { childrenOf, conversationOf, itemsOf, keyOf, keysOfAll, latest, TABS, versionsOf, type Investigation, type Item, type Ref } from "./query";
import { words } from "./words";

interface Props {
  readonly found: Investigation;
  readonly cursor: Ref;
  readonly setCursor: (ref: Ref) => void;
  readonly selection: Selection;
  readonly select: (selection: Selection) => void;
  readonly tab: Tab;
  readonly setTab: (tab: Tab) => void;
}

type Tab = (typeof TABS)[number];

export function Made(props: Props) {
  const say = useWords(words);
  const { found, selection, select, cursor, tab, setTab } = props;
  const picked = selection.ids.size;
  useCommand({ id: "investigate.clear", scope: "list", keys: "Escape", label: say("clearKey"), enabled: picked > 0, run: () => select(NOTHING) });
  const counts = { items: null, answers: null, jobs: found.jobs.length, versions: found.counts.versions };
  const subject = { typeId: found.item.typeId, id: found.item.id };
  return (
    <div className={classes.middle}>
      <div className={classes.tabs} role="tablist" aria-label={say("title")}>
        {TABS.map((one) => (
          <button key={one} id={`tab-${one}`} type="button" role="tab" aria-controls="made" aria-selected={tab === one} className={classes.tab} onClick={() => setTab(one)}>
            {say(one)} {counts[one] === null ? null : <span className="dim">{counts[one]}</span>}
          </button>
        ))}
        {picked > 0 ? (
          <span className="end row g8 dim">
            {say("selected", { count: picked })} <Written keys="Escape" />
          </span>
        ) : null}
      </div>
      <div className={classes.list} id="made" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "items" ? <Items {...props} /> : tab === "jobs" ? <Jobs found={found} /> : tab === "answers" ? <Answers item={subject} /> : <Versions item={subject} />}
      </div>
      <Thread of={cursor} account={found.author} />
    </div>
  );
}

function oneLine(item: Item, names: Names): string {
  const type = names.itemTypes.find((one) => one.id === item.typeId);
  return [nameOf(item.data, type), textOf(item.data, type)].filter(Boolean).join(" · ").replaceAll(/\s+/g, " ");
}

function Items({ found, cursor, setCursor, selection, select }: Props) {
  const say = useWords(words);
  const names = useNames();
  const isShown = useWordsShown();
  const user = found.author?.ref ?? { typeId: found.item.typeId, id: found.item.id };
  const query = useInfiniteQuery(itemsOf(user));
  if (query.error && !query.data) return <Problem error={query.error} again={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={8} />;
  const sent = query.data.pages.flatMap((page) => page.items);
  // What is looked at is there even where its account's list does not reach.
  const rows = latest(sent.some((one) => keyOf(one) === keyOf(found.item)) ? sent : [found.item, ...sent]).toSorted((a, b) => Date.parse(b.saidAt) - Date.parse(a.saidAt));
  const columns: Column<Item>[] = [
    { id: "when", header: say("columnWhen"), width: 112, cell: (item) => <span className="dim"><Moment at={item.saidAt} dated /></span> },
    { id: "type", header: say("columnType"), width: 112, wide: true, cell: (item) => <span className="dim">{names.itemType(item.typeId)}</span> },
    { id: "text", header: say("columnText"), cell: (item) => <span className="user-text" title={isShown ? oneLine(item, names) : undefined}><VeiledWords>{oneLine(item, names)}</VeiledWords></span> },
    { id: "media", header: say("columnMedia"), width: 72, numeric: true, cell: (item) => item.media.length || <span className="dim">—</span> },
  ];
  return (
    <DataTable
      id="investigate-items"
      caption={say("items")}
      columns={columns}
      rows={rows}
      rowId={keyOf}
      rowName={(item) => (isShown && oneLine(item, names).slice(0, 60)) || item.id}
      cursor={keyOf(cursor)}
      onCursor={(key) => {
        const item = rows.find((one) => keyOf(one) === key);
        if (item) setCursor({ typeId: item.typeId, id: item.id });
      }}
      selection={selection}
      onSelect={select}
      matching={{ count: null, gather: () => keysOfAll(user) }}
      more={query}
      empty={<Empty title={say("noItems")}>{say("noItemsText")}</Empty>}
    />
  );
}

function Jobs({ found }: { found: Investigation }) {
  const say = useWords(words);
  const names = useNames();
  if (found.jobs.length === 0) return <Empty title={say("noJobs")}>{say("noJobsText")}</Empty>;
  return (
    <div className={classes.hits}>
      {found.jobs.map((job) => (
        <Link key={job.id} to="/jobs/$jobId" params={{ jobId: job.id }} className={classes.hit}>
          <span className="dim">
            <Moment at={job.createdAt} dated />
          </span>
          <span className="ell user-text">{names.queue(job.queueId)}</span>
          <span className="badge">{say(job.state)}</span>
        </Link>
      ))}
    </div>
  );
}

function Answers({ item }: { item: Ref }) {
  const say = useWords(words);
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(childrenOf(item));
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const all = data.pages.flatMap((page) => page.items);
  return (
    <div className={classes.hits}>
      {all.length === 0 ? <Empty title={say("noAnswers")}>{say("noAnswersText")}</Empty> : <Listed items={all} />}
      {hasNextPage ? (
        <Button size="xs" m={16} loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </div>
  );
}

function Versions({ item }: { item: Ref }) {
  const say = useWords(words);
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(versionsOf(item));
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const all = data.pages.flatMap((page) => page.items);
  return (
    // What scrolls has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.hits} tabIndex={0} role="region" aria-label={say("versions")}>
      {all.map((version, index) => {
        const before = all[index + 1];
        const isFirst = before === undefined && !hasNextPage;
        const changes = before ? changesBetween(before.data, version.data) : [];
        return (
          <article key={version.submissionId} className={classes.version}>
            <header>
              <Moment at={version.submittedAt} />
              {isFirst ? say("firstVersion") : before && changes.length === 0 ? say("noChange") : null}
            </header>
            <Differences changes={changes} was={say("was")} is={say("is")} />
          </article>
        );
      })}
      {hasNextPage ? (
        <Button size="xs" m={16} loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </div>
  );
}

function Thread({ of, account }: { of: Ref; account: Investigation["author"] }) {
  const say = useWords(words);
  const { data, error, isPending, refetch } = useQuery(conversationOf(of));
  return (
    <section className={classes.thread} aria-label={say("inThread")}>
      <div className={classes.threadhead}>
        <h2>{say("inThread")}</h2>
      </div>
      {error ? <Problem error={error} again={() => void refetch()} /> : null}
      {isPending ? <Skeleton lines={4} /> : null}
      {data && data.items.length <= 1 ? <p className="dim t13" style={{ paddingInline: 16 }}>{say("alone")}</p> : null}
      {data && data.items.length > 1 ? (
        // What scrolls has to be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className={classes.rows} tabIndex={0} role="region" aria-label={say("inThread")}>
          <ol>
            {data.items.map((one) => {
              const isThis = keyOf(one) === keyOf(of);
              return (
                <li key={keyOf(one)} data-this={isThis || undefined}>
                  <span className="dim">
                    <Moment at={one.saidAt} />
                  </span>
                  {one.creator ? (
                    <Link to="/investigate" search={{ type: one.creator.typeId, id: one.creator.id }} className="ell user-text">
                      {account && keyOf(account.ref) === keyOf(one.creator) ? (account.displayName ?? one.creator.id) : one.creator.id}
                    </Link>
                  ) : (
                    <span />
                  )}
                  <span className="user-text"><VeiledWords>{one.preview || one.displayName}</VeiledWords></span>
                  {isThis ? <span className="badge">{say("thisItem")}</span> : null}
                </li>
              );
            })}
          </ol>
        </div>
      ) : null}
    </section>
  );
}
