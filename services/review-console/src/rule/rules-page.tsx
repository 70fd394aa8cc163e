/** Rules: each with what it asks, its state, its matches by day, what follows, and who changed it last. */
import { Button, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";

import { useNames, type Names } from "@/configuration/names";
import { rulesQuery } from "@/configuration/query";
import { Avatar } from "@/control/person";
import { Empty, Problem, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Keys, useCommand } from "@/key/keys";
import { dayOf } from "@/measure/window";
import { useSession } from "@/session/session";
import { DataTable, type Column, type Sort } from "@/table/data-table";
import { Moment, timeZone, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { Bars, StatusMark, useAsks } from "./parts";
import { DAYS, matchesOf, matchesQuery, type Matches, type Rule } from "./query";
import classes from "./rule.module.css";
import { STATUSES, type Search } from "./search";
import { words } from "./words";

const route = getRouteApi("/_app/rules");
const MINUTE = 60;

export interface Row {
  readonly rule: Rule;
  readonly asks: string;
  /** Null: not known. */
  readonly matches: Matches | null;
}

/** What fits the address, in its order: by name unless another was chosen. */
export function rowsOf(all: readonly Row[], { q = "", status, archived = false, sort = "name", down = false }: Search): Row[] {
  const sought = q.trim().toLocaleLowerCase();
  const fits = ({ rule, asks }: Row) =>
    (rule.status === "ARCHIVED") === archived &&
    (status === undefined || rule.status === status) &&
    [rule.name, rule.description ?? "", asks, ...(rule.tags ?? [])].some((text) => text.toLocaleLowerCase().includes(sought));
  const by = {
    name: (one: Row, other: Row) => one.rule.name.localeCompare(other.rule.name),
    week: (one: Row, other: Row) => (one.matches?.week ?? -1) - (other.matches?.week ?? -1),
    changed: (one: Row, other: Row) => Date.parse(one.rule.updatedAt) - Date.parse(other.rule.updatedAt),
  }[sort];
  // What is in force comes before drafts, whatever the order.
  const rank = ({ rule }: Row) => (rule.status === "DRAFT" ? 1 : 0);
  return all.filter(fits).toSorted((one, other) => rank(one) - rank(other) || (down ? by(other, one) : by(one, other)));
}

export function RulesPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const names = useNames();
  const asks = useAsks();
  const zone = timeZone();
  const { data, error, refetch } = useQuery(rulesQuery);
  const figures = useQuery({ ...matchesQuery(dayOf(useNow(MINUTE), zone), zone, (data ?? []).map((rule) => rule.id)), retry: false });
  const [cursor, setCursor] = useState<string | null>(null);
  const columns = useColumns(names);
  const { permissions } = useSession();
  const mayWrite = permissions.includes("MUTATE_NON_LIVE_RULES") || permissions.includes("MUTATE_LIVE_RULES");
  const make = () => void navigate({ to: "/rules/new" });
  useCommand({ id: "rules.new", scope: "list", keys: "C", label: say("newRuleKey"), enabled: mayWrite, run: make });
  const go = (change: Partial<Search>) => void navigate({ to: "/rules", replace: true, search: { ...search, ...change } });
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={16} />;
  const all = data.map((rule): Row => ({ rule, asks: asks(rule), matches: matchesOf(figures.data, rule.id) }));
  const rows = rowsOf(all, search);
  const order = ({ by, descending }: Sort) => go({ sort: by as Search["sort"], down: descending || undefined });
  const resting = all.filter((row) => row.rule.status === "ARCHIVED").length;
  return (
    <>
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <nav className={classes.tabs} aria-label={say("title")}>
          <Link to="/rules" search={{}} aria-current={search.archived ? undefined : "page"}>
            {say("active")} <span className="dim">{all.length - resting}</span>
          </Link>
          <Link to="/rules" search={{ archived: true }} aria-current={search.archived ? "page" : undefined}>
            {say("archived")} <span className="dim">{resting}</span>
          </Link>
        </nav>
        {mayWrite ? (
          <Button size="xs" variant="filled" className="end" onClick={make} rightSection={<Keys of="rules.new" fallback="C" />}>
            {say("newRule")}
          </Button>
        ) : null}
      </header>
      <Filters search={search} go={go} />
      <DataTable
        id="rules"
        caption={say("title")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.rule.id}
        rowName={(row) => row.rule.name}
        cursor={rows.some((row) => row.rule.id === cursor) ? cursor : (rows[0]?.rule.id ?? null)}
        onCursor={setCursor}
        onOpen={(row) => void navigate({ to: "/rules/$ruleId", params: { ruleId: row.rule.id } })}
        sort={{ by: search.sort ?? "name", descending: search.down ?? false }}
        onSort={order}
        empty={<NoRows search={search} isEmpty={all.length === resting} clear={() => go({ q: undefined, status: undefined })} />}
      />
      <footer className={classes.foot}>
        <span>{figures.error ? say("noFigures") : say("foot", { rules: rows.length, live: rows.filter((row) => row.rule.status === "LIVE").length, zone })}</span>
      </footer>
    </>
  );
}

function Filters({ search, go }: { search: Search; go: (change: Partial<Search>) => void }) {
  const say = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  useCommand({ id: "rules.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  return (
    <div className={classes.filters}>
      <TextInput
        ref={field}
        size="xs"
        className={classes.find}
        aria-label={say("find")}
        placeholder={say("find")}
        leftSection={<IconSearch className="icon" aria-hidden="true" />}
        rightSection={<Keys of="rules.find" fallback="/" />}
        value={search.q ?? ""}
        onChange={(event) => go({ q: event.currentTarget.value || undefined })}
      />
      {search.archived ? null : (
        <Select size="xs" aria-label={say("status")} placeholder={say("anyStatus")} clearable value={search.status ?? null} data={STATUSES.filter((one) => one !== "ARCHIVED").map((one) => ({ value: one, label: say(one) }))} onChange={(one) => go({ status: (one as Search["status"]) ?? undefined })} />
      )}
    </div>
  );
}

function NoRows({ search, isEmpty, clear }: { search: Search; isEmpty: boolean; clear: () => void }) {
  const say = useWords(words);
  if (search.q || search.status) {
    return (
      <Empty
        title={say("noFitTitle")}
        next={
          <Button size="xs" onClick={clear}>
            {say("clear")}
          </Button>
        }
      >
        {say("noFitText")}
      </Empty>
    );
  }
  if (search.archived) return <Empty title={say("noArchived")}>{say("noArchivedText")}</Empty>;
  return isEmpty ? <Empty title={say("emptyTitle")} next={<HelpLink at="/rules" />}>{say("emptyText")}</Empty> : null;
}

function useColumns(names: Names): Column<Row>[] {
  const say = useWords(words);
  return [
    { id: "name", header: say("columnRule"), sortable: true, cell: (row) => <Name row={row} /> },
    { id: "status", header: say("columnStatus"), width: 116, cell: ({ rule }) => <StatusMark status={rule.status} /> },
    { id: "bars", header: say("columnBars", { count: DAYS }), width: 136, wide: true, hideable: true, cell: ({ matches, rule }) => (matches ? <Bars matches={matches} status={rule.status} /> : <span className="dim">–</span>) },
    { id: "week", header: say("columnWeek"), width: 76, numeric: true, sortable: true, cell: ({ matches }) => (matches ? matches.week.toLocaleString() : <span className="dim">–</span>) },
    { id: "then", header: say("columnThen"), width: 200, wide: true, hideable: true, cell: ({ rule }) => <Then rule={rule} names={names} /> },
    { id: "revision", header: say("columnRevision"), width: 80, numeric: true, wide: true, hideable: true, cell: ({ rule }) => <span className="dim">{say("revision", { number: String(rule.revision) })}</span> },
    { id: "changed", header: say("columnChanged"), width: 216, wide: true, sortable: true, hideable: true, cell: ({ rule }) => <Changed rule={rule} /> },
  ];
}

function Name({ row: { rule, asks } }: { row: Row }) {
  return (
    <span className={classes.name}>
      <Link to="/rules/$ruleId" params={{ ruleId: rule.id }} className="med user-text ell" title={rule.description || rule.name}>
        {rule.name}
      </Link>
      <span className={`${classes.asks ?? ""} user-text ell`} title={asks}>
        {asks}
      </span>
    </span>
  );
}

function Then({ rule, names }: { rule: Rule; names: Names }) {
  const say = useWords(words);
  const then = (rule.actionIds ?? []).map(names.action).join(" · ");
  return then ? (
    <span className="user-text ell" title={then}>
      {then}
    </span>
  ) : (
    <span className="dim">{say("nothingThen")}</span>
  );
}

function Changed({ rule }: { rule: Rule }) {
  const person = rule.updatedByPerson;
  return (
    <span className="row g8">
      {person ? <Avatar name={person.name} id={person.id} size={20} /> : null}
      <span className="ell">{person?.name ?? ""}</span>
      <span className="end dim">
        <Moment at={rule.updatedAt} />
      </span>
    </span>
  );
}
