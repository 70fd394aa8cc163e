/** Banks, a kind at a time: what rules look for. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Empty } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Severity } from "@/look/severity";
import type { ListSearch } from "@/settings/documents";
import { DocumentList } from "@/settings/list";
import { languageTag, useWords } from "@/words/words";

import { hashesOf, placesOf, sizesQuery, textsOf } from "./bank";
import classes from "./bank.module.css";
import { KINDS, type BankKind } from "./search";
import { words } from "./words";

const route = getRouteApi("/_app/banks");

interface Shared {
  readonly search: ListSearch;
  readonly go: (change: ListSearch) => void;
  readonly open: (id: string) => void;
  readonly to: (id: string) => string;
  readonly title: string;
  readonly tabs: ReactNode;
}

export function BanksPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const kind: BankKind = search.kind ?? "text";
  const open = (id: string) => void navigate({ to: ADDRESS[kind], params: { bankId: id } });
  const shared: Shared = {
    search,
    open,
    title: say("title"),
    go: (change) => void navigate({ to: "/banks", replace: true, search: { ...search, ...change } }),
    to: (id) => `/banks/${kind}/${id}`,
    tabs: (
      <nav className={classes.tabs} aria-label={say("title")}>
        {KINDS.map((one) => (
          <Link key={one} to="/banks" search={{ kind: one === "text" ? undefined : one }} replace aria-current={one === kind ? "page" : undefined}>
            {say(one)}
          </Link>
        ))}
        {kind === "hash" ? (
          <Link to="/banks/exchanges" className={classes.beside}>
            {say("exchanges")}
          </Link>
        ) : null}
      </nav>
    ),
  };
  return kind === "text" ? <Texts {...shared} /> : kind === "location" ? <Places {...shared} /> : <Hashes {...shared} />;
}

const ADDRESS = { text: "/banks/text/$bankId", location: "/banks/location/$bankId", hash: "/banks/hash/$bankId" } as const satisfies Record<BankKind, string>;

function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toLocaleString(languageTag());
}

function Texts({ open, ...shared }: Shared) {
  const say = useWords(words);
  return (
    <DocumentList
      id="text-banks"
      newName={say("newText")}
      query={textsOf(shared.search)}
      {...shared}
      open={open}
      under={(row) => row.description}
      columns={[
        { id: "type", header: say("type"), width: 120, wide: true, cell: (row) => say(row.type) },
        { id: "entries", header: say("entries"), width: 96, numeric: true, cell: (row) => count(row.entryCount) },
      ]}
      empty={
        <Empty
          title={say("emptyTextTitle")}
          next={
            <>
              <Button variant="filled" onClick={() => open("new")}>{say("newText")}</Button>
              <HelpLink at="/banks" />
            </>
          }
        >
          {say("emptyText")}
        </Empty>
      }
    />
  );
}

function Places({ open, ...shared }: Shared) {
  const say = useWords(words);
  return (
    <DocumentList
      id="location-banks"
      newName={say("newLocation")}
      query={placesOf(shared.search)}
      {...shared}
      open={open}
      under={(row) => row.description}
      columns={[{ id: "entries", header: say("locations"), width: 96, numeric: true, cell: (row) => count(row.entryCount) }]}
      empty={
        <Empty
          title={say("emptyLocationTitle")}
          next={
            <>
              <Button variant="filled" onClick={() => open("new")}>{say("newLocation")}</Button>
              <HelpLink at="/banks" />
            </>
          }
        >
          {say("emptyLocation")}
        </Empty>
      }
    />
  );
}

function Hashes({ open, ...shared }: Shared) {
  const say = useWords(words);
  const sizes = useQuery(sizesQuery).data?.banks;
  const share = new Intl.NumberFormat(languageTag(), { style: "percent", maximumFractionDigits: 1 });
  return (
    <DocumentList
      id="hash-banks"
      newName={say("newHash")}
      query={hashesOf(shared.search)}
      {...shared}
      open={open}
      under={(row) => row.description}
      columns={[
        { id: "good", header: say("knownGood"), width: 112, wide: true, cell: (row) => (row.knownGood ? <Severity level="none" quiet>{say("knownGood")}</Severity> : "–") },
        { id: "ratio", header: say("ratio"), width: 96, numeric: true, cell: (row) => share.format(row.enabledRatio ?? 1) },
        { id: "entries", header: say("hashes"), width: 96, numeric: true, cell: (row) => (sizes ? count(sizes.find((one) => one.bankId === row.id)?.active ?? 0) : "–") },
      ]}
      empty={
        <Empty
          title={say("emptyHashTitle")}
          next={
            <>
              <Button variant="filled" onClick={() => open("new")}>{say("newHash")}</Button>
              <HelpLink at="/banks/hash" />
            </>
          }
        >
          {say("emptyHash")}
        </Empty>
      }
    />
  );
}
