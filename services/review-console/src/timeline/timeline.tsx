/**
 * The one timeline: what was sent, reported, matched, decided, appealed, noted and delivered around an
 * item or an account; newest first, by kind, page by page.
 *
 *     <Timeline of={["job", id]} title={…} command={…} load={(kinds, cursor, signal) => take(api.GET(…))} />
 *
 * Guarantees: what is away just now is said by name, and the rest is there.
 */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";

import type { Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { actorOf, titleOf } from "@/decision-log/log";
import { words as logWords } from "@/decision-log/words";
import { Keys, useCommand } from "@/key/keys";
import type { Scope } from "@/key/registry";
import { Glyph } from "@/look/severity";
import { usePermission } from "@/session/session";
import { Moment, useNow } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { ICONS, KINDS_OF, linesOf, type Chip, type Happening, type Kind, type Line } from "./happened";
import classes from "./timeline.module.css";
import { words } from "./words";

/** Pages without a find, one after the other. */
const LOOKED_THROUGH = 20;

export interface Page {
  readonly items: readonly Happening[];
  readonly nextCursor?: string | null;
  readonly missing?: readonly { readonly kind: string; readonly reason?: string | null }[];
}

interface Props {
  /** What it is about: the key of its query. */
  readonly of: readonly string[];
  readonly title: string;
  readonly note?: ReactNode;
  /** The key that leads to it. */
  readonly command: { readonly id: string; readonly scope: Scope; readonly label: string };
  readonly load: (kinds: readonly Kind[], cursor: string | undefined, signal: AbortSignal) => Promise<Page>;
  readonly names: Names;
  /** All there is of `all`, where it came with the page. */
  readonly whole?: Page | null;
  /** Also what was merely sent, and what was delivered as it should be. */
  readonly isFull?: boolean;
}

export function Timeline({ of, title, note, command, load, names, whole = null, isFull = false }: Props) {
  const say = useWords(words);
  const [chip, setChip] = useState<Chip>("all");
  const heading = useRef<HTMLHeadingElement>(null);
  useCommand({ ...command, keys: "H", run: () => heading.current?.focus() });
  const query = useInfiniteQuery({
    queryKey: [...of, "timeline", chip],
    initialPageParam: undefined as string | undefined,
    ...(chip === "all" && whole ? { initialData: { pages: [whole], pageParams: [undefined] } } : {}),
    staleTime: 60_000,
    queryFn: ({ pageParam, signal }) => load(chip === "all" && isFull ? [] : KINDS_OF[chip], pageParam, signal),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const pages = query.data?.pages ?? [];
  const happened = pages.flatMap((page) => page.items).filter((one) => isFull || (one.kind !== "SUBMISSION" && !(one.kind === "DELIVERY" && one.state === "DELIVERED")));
  // A page may have been looked through without a find: on to the next, unless there are many.
  const { fetchNextPage } = query;
  const isLooking = query.isSuccess && happened.length === 0 && query.hasNextPage && !query.isFetchNextPageError && pages.length < LOOKED_THROUGH;
  useEffect(() => {
    if (isLooking && !query.isFetching) void fetchNextPage();
  }, [isLooking, query.isFetching, fetchNextPage]);
  const away = [...new Set(pages.flatMap((page) => page.missing ?? []).filter((one) => one.reason === undefined || one.reason === "UNAVAILABLE").map((one) => one.kind.toLowerCase()))];
  return (
    <>
      <div className={classes.head}>
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <span className="dim t13">{note ?? (happened.length > 0 ? `${happened.length}${query.hasNextPage ? "+" : ""}` : "")}</span>
        <span className="end">
          <Keys of={command.id} fallback="H" />
        </span>
      </div>
      <div className={classes.chips} role="group" aria-label={title}>
        {(Object.keys(KINDS_OF) as Chip[]).map((one) => (
          <button key={one} type="button" className={classes.chip} aria-pressed={chip === one} onClick={() => setChip(one)}>
            {say(one)}
          </button>
        ))}
      </div>
      {query.error ? <Problem error={query.error} again={() => void query.refetch()} /> : null}
      {away.length > 0 ? <p className={`${classes.list} dim t12`}>{say("partAway", { kinds: away.join(", ") })}</p> : null}
      {query.isPending || isLooking ? <Skeleton lines={4} /> : null}
      {query.data && happened.length === 0 && !query.hasNextPage ? <p className={`${classes.list} dim t13`}>{say(chip === "all" ? "nothing" : "nothingOf")}</p> : null}
      <Days happened={happened} names={names} />
      {query.hasNextPage && !isLooking ? (
        <div className={classes.list}>
          <Button size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {say("more")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

interface Placed {
  readonly one: Happening;
  readonly line: Line;
  readonly key: string;
  readonly day: "today" | "yesterday" | "before";
}

function Days({ happened, names }: { happened: readonly Happening[]; names: Names }) {
  const say = useWords(words);
  const sayLog = useWords(logWords);
  const now = useNow(60);
  const today = new Date(now).toDateString();
  const yesterday = new Date(now - 86_400_000).toDateString();
  const dayOf = (at: string): Placed["day"] => {
    const day = new Date(at).toDateString();
    return day === today ? "today" : day === yesterday ? "yesterday" : "before";
  };
  const decided = (entry: Schema["DecisionLogEntry"]): Line => {
    const { text, level, isStruck } = titleOf(entry, names, sayLog);
    const policies = entry.components.flatMap((part) => part.policyIds ?? []).slice(0, 1);
    return { title: text, level, isStruck, quote: entry.reason, by: [actorOf(entry, names, sayLog).text, ...policies.map(names.policy)].filter(Boolean).join(" · ") };
  };
  const placed = happened.flatMap((one, index) =>
    // The same submission may be told more than once.
    linesOf(one, names, say, decided).map((line, part): Placed => ({ one, line, key: `${one.kind} ${one.id} ${index} ${part}`, day: dayOf(one.time) })),
  );
  return (
    <ol className={classes.list}>
      {placed.map(({ one, line, key, day }, index) => (
        <li key={key}>
          {index === 0 || placed[index - 1]?.day !== day ? <div className={classes.day}>{say(day)}</div> : null}
          <Told one={one} line={line} isLast={placed[index + 1]?.day !== day} />
        </li>
      ))}
    </ol>
  );
}

function Told({ one, line, isLast }: { one: Happening; line: Line; isLast: boolean }) {
  const say = useWords(words);
  const seesLog = usePermission("VIEW_MRT_DATA");
  const Icon = ICONS[one.kind];
  return (
    <div className={classes.moment} data-last={isLast || undefined} data-undone={line.isStruck || undefined}>
      <span className={classes.dot}>{line.level ? <Glyph level={line.level} /> : <Icon stroke={1.75} aria-hidden="true" />}</span>
      <b className="user-text">{line.title}</b>
      {line.quote ? <span className={`${classes.quote} user-text`}><VeiledWords>{say("quoted", { text: line.quote })}</VeiledWords></span> : null}
      <div className={classes.meta}>
        <span className="ell user-text" title={line.by}>
          {line.by}
        </span>
        <span className="row g4">
          {one.kind === "DECISION" && seesLog && one.decision.itemId ? (
            <Link to="/decisions" search={{ itemType: one.decision.itemTypeId ?? undefined, item: one.decision.itemId, peek: one.decision.id }}>
              {say("openDecision")}
            </Link>
          ) : null}
          <Moment at={one.time} />
        </span>
      </div>
    </div>
  );
}
