/** Who did what, and when. The filters are the address. */
import { Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";

import { peopleQuery } from "@/configuration/query";
import { IdChip } from "@/control/id-chip";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { Code } from "@/settings/code";
import { Find } from "@/settings/find";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./audit.module.css";
import { auditQuery, type Entry, type Search } from "./query";
import { words } from "./words";

const route = getRouteApi("/_app/settings/audit");
const NONE: Search = { who: undefined, action: undefined, kind: undefined, id: undefined, since: undefined, until: undefined };

export function AuditPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const people = useQuery({ ...peopleQuery, retry: false }).data ?? [];
  const go = (change: Search) => void navigate({ to: "/settings/audit", replace: true, search: { ...search, ...change } });
  const day = (name: "since" | "until") => <TextInput size="xs" type="date" aria-label={say(name)} value={search[name] ?? ""} onChange={(event) => go({ [name]: event.currentTarget.value || undefined })} />;
  return (
    <>
      <SettingsHead title={say("title")} facts={say("hint")} />
      <div className={`${shared.filters ?? ""} ${classes.filters ?? ""}`}>
        <Select size="xs" className={classes.who} aria-label={say("who")} placeholder={say("anybody")} data={people.map((one) => ({ value: one.id, label: one.name }))} value={search.who ?? null} onChange={(who) => go({ who: who ?? undefined })} searchable clearable />
        <Find value={search.action} find={(action) => go({ action })} label={say("whatHint")} />
        <Find value={search.kind} find={(kind) => go({ kind })} label={say("targetKind")} />
        <Find value={search.id} find={(id) => go({ id })} label={say("targetId")} />
        {day("since")}
        {day("until")}
      </div>
      <div className={classes.list}>
        <Pane>
          <Entries search={search} showAll={() => go(NONE)} />
        </Pane>
      </div>
    </>
  );
}

function Entries({ search, showAll }: { search: Search; showAll: () => void }) {
  const say = useWords(words);
  const log = useInfiniteQuery(auditQuery(search));
  const [opened, setOpened] = useState<number | null>(null);
  if (log.error && !log.data) return <Problem error={log.error} again={() => void log.refetch()} />;
  if (!log.data) return <Skeleton lines={10} />;
  const rows = log.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) {
    return (
      <Empty title={say("emptyTitle")} next={<Button onClick={showAll}>{say("showAll")}</Button>}>
        {say("emptyText")}
      </Empty>
    );
  }
  return (
    <>
      <table className={`${shared.table ?? ""} ${classes.table ?? ""}`}>
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">{say("details")}</span>
            </th>
            <th scope="col">{say("time")}</th>
            <th scope="col">{say("who")}</th>
            <th scope="col">{say("what")}</th>
            <th scope="col">{say("target")}</th>
          </tr>
        </thead>
        {rows.map((row) => (
          <Row key={row.sequence} row={row} isOpen={opened === row.sequence} toggle={() => setOpened(opened === row.sequence ? null : row.sequence)} />
        ))}
      </table>
      {log.hasNextPage ? (
        <Button size="xs" className={classes.more} loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </>
  );
}

function Row({ row, isOpen, toggle }: { row: Entry; isOpen: boolean; toggle: () => void }) {
  const say = useWords(words);
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const hasMore = Object.keys(row.detail).length > 0;
  return (
    <tbody>
      <tr data-open={isOpen || undefined}>
        <td>
          <button type="button" className={classes.toggle} aria-expanded={isOpen} aria-label={say(isOpen ? "hide" : "show")} onClick={toggle}>
            <Chevron className="icon" aria-hidden="true" />
          </button>
        </td>
        <td className="dim">
          <Moment at={row.time} dated />
        </td>
        <td className="user-text">{row.actorPerson?.name ?? row.actor}</td>
        <td className="mono">{row.action}</td>
        <td>
          {row.targetKind ? <span className="dim">{row.targetKind} </span> : null}
          {row.targetId ? <IdChip id={row.targetId} /> : null}
        </td>
      </tr>
      {isOpen ? (
        <tr className={classes.detail}>
          <td colSpan={5}>
            {hasMore ? <Code label={say("show")} text={JSON.stringify(row.detail, null, 2)} /> : <p className="dim">{say("noDetails")}</p>}
            <p className="dim t12">
              {say("sequence", { number: row.sequence })} · {say("hash")} <IdChip id={row.hash} />
            </p>
          </td>
        </tr>
      ) : null}
    </tbody>
  );
}
