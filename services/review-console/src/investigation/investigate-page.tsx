/**
 * Investigate: search for anything by id, link, user, address or words; of what is found, who made it,
 * what they did, and what was done and can be done.
 */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { IconLink, IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

import { asProblem } from "@/api/problem";
import { useNames } from "@/configuration/names";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { NOTHING } from "@/table/selection";
import { WordsBar, WordsVeil } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { Act } from "./act";
import { Done } from "./done";
import classes from "./investigation.module.css";
import { Made } from "./made";
import { investigationQuery, keyOf, type Investigation, type Ref, type Search } from "./query";
import { Results } from "./results";
import { Who } from "./who";
import { words } from "./words";

const route = getRouteApi("/_app/investigate");

export function InvestigatePage() {
  const say = useWords(words);
  const { q, type, id } = route.useSearch();
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  const subject = type !== undefined && id !== undefined ? { typeId: type, id } : null;
  return (
    <WordsVeil jobKey={id ?? q ?? ""} wellness={useSession().wellness}>
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <Field key={q ?? id ?? ""} first={q ?? id ?? ""} kind={subject?.typeId ?? null} />
        <span className="end">
          <CopyLink />
        </span>
      </header>
      {subject || q ? <WordsBar /> : null}
      {subject ? <Subject key={`${subject.typeId}/${subject.id}`} subject={subject} /> : q ? <Results key={q} q={q} /> : <Empty title={say("startTitle")}>{say("startText")}</Empty>}
    </WordsVeil>
  );
}

function Field({ first, kind }: { first: string; kind: string | null }) {
  const say = useWords(words);
  const names = useNames();
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(first);
  useCommand({ id: "investigate.search", scope: "page", keys: "/", label: say("searchKey"), run: () => field.current?.select() });
  return (
    <form
      role="search"
      className={classes.field}
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== "") void navigate({ to: "/investigate", search: linked(typed) ?? { q: typed.trim() } });
      }}
    >
      <IconSearch className="icon dim" aria-hidden="true" />
      <input ref={field} aria-label={say("searchKey")} placeholder={say("search")} value={typed} maxLength={512} onChange={(event) => setTyped(event.currentTarget.value)} />
      {kind && typed === first ? <span className="badge">{names.itemType(kind)}</span> : <Keys of="investigate.search" fallback="/" />}
    </form>
  );
}

/** A link to this page leads where it leads. */
function linked(typed: string): { type: string; id: string } | null {
  if (!typed.trim().startsWith(`${location.origin}/investigate`)) return null;
  const { searchParams } = new URL(typed.trim());
  const [type, id] = [searchParams.get("type"), searchParams.get("id")];
  return type && id ? { type, id } : null;
}

function CopyLink() {
  const say = useWords(words);
  return (
    <Button size="xs" leftSection={<IconLink className="icon" aria-hidden="true" />} onClick={() => void navigator.clipboard.writeText(location.href).then(() => toast(say("linkCopied")))}>
      {say("copyLink")}
    </Button>
  );
}

function Subject({ subject }: { subject: Ref }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery({ ...investigationQuery(subject), retry: (count, failed) => asProblem(failed)?.status !== 404 && count < 2 });
  if (error && !data) return asProblem(error)?.status === 404 ? <Empty title={say("gone")}>{say("goneText")}</Empty> : <Problem error={error} again={() => void refetch()} />;
  return data ? <Columns found={data} /> : <Skeleton lines={12} />;
}

function Columns({ found }: { found: Investigation }) {
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: { tab?: Search["tab"]; row?: string }) => void navigate({ to: "/investigate", replace: true, search: { ...search, ...change } });
  const cursor = search.row?.includes("/") ? refOf(search.row) : { typeId: found.item.typeId, id: found.item.id };
  const [selection, select] = useState(NOTHING);
  const account = found.author?.ref ?? null;
  const isAccount = account !== null && account.id === cursor.id && account.typeId === cursor.typeId;
  const ticked = [...selection.ids].map(refOf);
  const items = ticked.length > 0 ? ticked : isAccount ? [] : [cursor];
  const isUser = account !== null && account.id === found.item.id && account.typeId === found.item.typeId;
  return (
    <div className={classes.grid}>
      <div className={classes.side}>
        <Pane>
          <Who found={found} />
        </Pane>
      </div>
      <Pane>
        <Made found={found} cursor={cursor} setCursor={(ref) => go({ row: keyOf(ref) })} selection={selection} select={select} tab={search.tab ?? "items"} setTab={(tab) => go({ tab })} />
      </Pane>
      <div className={classes.right}>
        <Pane>
          <Act account={account} items={items} done={() => select(NOTHING)} />
        </Pane>
        <Pane>
          <Done of={isUser ? found.author?.ref ?? cursor : cursor} isUser={isUser} />
        </Pane>
      </div>
    </div>
  );
}

/** Of a row's key; an id may have slashes, the id of a type none. */
function refOf(key: string): Ref {
  const cut = key.indexOf("/");
  return { typeId: key.slice(0, cut), id: key.slice(cut + 1) };
}
