/**
 * People: who is in, who waits, who was invited; beside the list, the one who was chosen. The filters and
 * the chosen one are the address.
 */
import { Button, Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { Avatar } from "@/control/person";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { useSession } from "@/session/session";
import { Find } from "@/settings/find";
import { SettingsHead } from "@/settings/head";
import classes from "@/settings/settings.module.css";
import { DataTable, type Column } from "@/table/data-table";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { Invitations, InviteDialog } from "./invitations";
import own from "./people.module.css";
import { pendingQuery, STATUSES, usersQuery, type Person, type Search } from "./query";
import { useRoles } from "./roles";
import { UserPane } from "./user-pane";
import { words } from "./words";

const route = getRouteApi("/_app/settings/users");

export function UsersPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const roles = useRoles();
  const list = useInfiniteQuery(usersQuery(search));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const [isInviting, setInviting] = useState(false);
  const [walked, setWalked] = useState<string | null>(null);
  const all = useColumns();
  // Beside somebody there is room for who, what and whether; the rest is said there.
  const columns = search.who === undefined ? all : all.filter(({ id }) => !["email", "login"].includes(id));
  const go = (change: Search) => void navigate({ to: "/settings/users", replace: true, search: { ...search, ...change } });
  useCommand({ id: "users.invite", scope: "list", keys: "C", label: say("inviteKey"), run: () => setInviting(true) });
  useCommand({ id: "users.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  return (
    <>
      <SettingsHead title={say("title")} facts={<span role="status">{list.data ? say("loaded", { count: rows.length, more: String(list.hasNextPage) }) : null}</span>}>
        <Button size="xs" variant="filled" onClick={() => setInviting(true)} rightSection={<Keys of="users.invite" fallback="C" />}>
          {say("invite")}
        </Button>
      </SettingsHead>
      <div className={classes.filters}>
        <Find ref={field} value={search.q} find={(q) => go({ q })} label={say("find")} />
        <Select size="xs" className={own.filter} aria-label={say("role")} placeholder={say("anyRole")} clearable data={roles.list.map((one) => ({ value: one.id, label: one.name }))} value={search.role ?? null} onChange={(role) => go({ role: role ?? undefined })} />
        <Select size="xs" className={own.filter} aria-label={say("status")} placeholder={say("anyStatus")} clearable data={STATUSES.map((value) => ({ value: value as string, label: say(value) }))} value={search.status ?? null} onChange={(status) => go({ status: (status as Search["status"]) ?? undefined })} />
      </div>
      <Pending chosen={search.status === "PENDING"} show={() => go({ status: "PENDING" })} />
      <div className={own.split} data-open={search.who !== undefined || undefined}>
        <div className={own.lists}>
          <Pane>
            {list.error && !list.data ? (
              <Problem error={list.error} again={() => void list.refetch()} />
            ) : !list.data ? (
              <Skeleton lines={8} />
            ) : (
              <DataTable
                id="settings.users"
                caption={say("title")}
                columns={columns}
                rows={rows}
                rowId={(row) => row.id}
                rowName={(row) => row.name}
                cursor={walked ?? search.who ?? rows[0]?.id}
                onCursor={(id) => {
                  setWalked(id);
                  if (search.who !== undefined) go({ who: id });
                }}
                onOpen={(row) => go({ who: row.id })}
                more={list}
                empty={
                  <Empty title={say("noneTitle")} next={<Button onClick={() => go({ q: undefined, role: undefined, status: undefined })}>{say("showAll")}</Button>}>
                    {say("noneText")}
                  </Empty>
                }
              />
            )}
          </Pane>
          <Pane>
            <Invitations />
          </Pane>
        </div>
        {search.who === undefined ? null : (
          <aside className={own.pane}>
            <Pane key={search.who}>
              <UserPane id={search.who} close={() => go({ who: undefined })} />
            </Pane>
          </aside>
        )}
      </div>
      {isInviting ? <InviteDialog close={() => setInviting(false)} /> : null}
    </>
  );
}

function Pending({ chosen, show }: { chosen: boolean; show: () => void }) {
  const say = useWords(words);
  const count = useQuery(pendingQuery).data?.length ?? 0;
  if (count === 0 || chosen) return null;
  return (
    <div className={classes.note} role="status">
      {say("pendingOf", { count })}
      <Button size="compact-xs" onClick={show}>
        {say("showPending")}
      </Button>
    </div>
  );
}

function useColumns(): Column<Person>[] {
  const say = useWords(words);
  const roles = useRoles();
  const { user } = useSession();
  const navigate = useNavigate();
  const search = route.useSearch();
  return [
    {
      id: "name",
      header: say("name"),
      cell: (row) => (
        <span className="row g8">
          <Avatar id={row.id} name={row.name || row.email} />
          <button type="button" className={`user-text ell ${own.open ?? ""}`} onClick={() => void navigate({ to: "/settings/users", replace: true, search: { ...search, who: row.id } })}>
            {row.name || row.email}
          </button>
          {row.id === user.id ? <span className="dim t12">{say("you")}</span> : null}
        </span>
      ),
    },
    { id: "email", header: say("email"), width: 220, wide: true, cell: (row) => <span className="dim user-text">{row.email}</span> },
    { id: "role", header: say("role"), width: 168, cell: (row) => <span className="user-text">{roles.name(row.role)}</span> },
    { id: "status", header: say("status"), width: 148, wide: true, cell: (row) => <Severity level={row.status === "ACTIVE" ? "done" : row.status === "PENDING" ? "medium" : "none"} quiet>{say(row.status)}</Severity> },
    { id: "factor", header: say("factor"), width: 116, wide: true, cell: (row) => (row.hasSecondFactor ? say("hasFactor") : <Severity level="high" quiet>{say("noFactor")}</Severity>) },
    { id: "login", header: say("lastLogin"), width: 120, wide: true, cell: (row) => (row.lastLoginAt ? <Moment at={row.lastLoginAt} relative /> : <span className="dim">{say("never")}</span>) },
  ];
}
