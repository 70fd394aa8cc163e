/** What was found: by name or id, by the address it was sent from, by its words. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { useNames } from "@/configuration/names";
import { Empty, Problem, Skeleton } from "@/control/state";
import { searchQuery, type Hit } from "@/search/query";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import { Listed } from "./listed";
import { foundBy, isAddress, keyOf, wordOf, type Listed as ListedItem } from "./query";
import { words } from "./words";

const KINDS = ["USER", "ITEM", "JOB", "DECISION"] as const;
type Kind = (typeof KINDS)[number];

export function Results({ q }: { q: string }) {
  const say = useWords(words);
  const word = wordOf(q);
  const named = useQuery({ ...searchQuery(word), retry: false });
  const byId = useQuery(foundBy({ id: word }));
  const byAddress = useQuery({ ...foundBy({ ip: word }), enabled: isAddress(word) });
  const byText = useQuery({ ...foundBy({ text: word.slice(0, 200) }), enabled: !isAddress(word) });
  const hits = (named.data ?? []).filter((hit) => KINDS.includes(hit.kind as Kind));
  const known = new Set(hits.map((hit) => `${hit.typeId ?? ""}/${hit.id}`));
  const others = (byId.data ?? []).filter((one) => !known.has(keyOf(one)));
  const all = [named, byId, byAddress, byText];
  const isLoading = all.some((one) => one.isLoading);
  const error = all.find((one) => one.error)?.error;
  const none = hits.length + others.length + (byAddress.data?.length ?? 0) + (byText.data?.length ?? 0) === 0;
  return (
    <div className={classes.hits}>
      {error ? <Problem error={error} again={() => all.forEach((one) => void (one.error ? one.refetch() : null))} /> : null}
      {hits.length + others.length > 0 ? (
        <section>
          <h2>{say("called")}</h2>
          {hits.map((hit) => (
            <Named key={`${hit.kind}/${hit.typeId ?? ""}/${hit.id}`} hit={hit} />
          ))}
          <Listed items={others} />
        </section>
      ) : null}
      <Found title={say("sentFrom")} items={byAddress.data} />
      <Found title={say("withWords")} items={byText.data} />
      {isLoading ? <Skeleton lines={4} /> : none && !error ? <Empty title={say("nothingTitle", { q: word })}>{say("nothingText")}</Empty> : null}
    </div>
  );
}

function Found({ title, items }: { title: string; items: readonly ListedItem[] | undefined }): ReactNode {
  if (!items || items.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <Listed items={items} />
    </section>
  );
}

function Named({ hit }: { hit: Hit }) {
  const say = useWords(words);
  const names = useNames();
  const kind = hit.typeId ? names.itemType(hit.typeId) : "";
  const cells = (
    <>
      <span className="dim">{say(hit.kind as Kind)}</span>
      <span className="ell user-text">{hit.kind === "ITEM" ? <VeiledWords>{hit.name}</VeiledWords> : hit.name}</span>
      <span className="dim">{hit.queueId ? names.queue(hit.queueId) : kind}</span>
    </>
  );
  if (hit.kind === "JOB") {
    return (
      <Link to="/jobs/$jobId" params={{ jobId: hit.id }} className={classes.hit}>
        {cells}
      </Link>
    );
  }
  const search = hit.kind === "DECISION" ? null : { type: hit.typeId ?? undefined, id: hit.id };
  return search ? (
    <Link to="/investigate" search={search} className={classes.hit}>
      {cells}
    </Link>
  ) : (
    <Link to="/decisions" search={{ peek: hit.id }} className={classes.hit}>
      {cells}
    </Link>
  );
}
