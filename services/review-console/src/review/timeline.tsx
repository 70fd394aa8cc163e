/** One timeline of the item and its author: what was sent, reported, matched, decided, appealed, noted;
 * newest first, page by page. */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take } from "@/api/client";
import { Problem, Skeleton } from "@/control/state";
import { Keys } from "@/key/keys";
import { Glyph } from "@/look/severity";
import { Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Context } from "./context";
import { happenedOf, KINDS_OF, type Chip, type Happened } from "./happened";
import classes from "./job.module.css";
import { useNames } from "./names";
import { words } from "./words";

const CHIPS = ["all", "decisions", "reportsChip", "rules", "notes"] as const;

export function Timeline({ context }: { context: Context }) {
  const say = useWords(words);
  const [chip, setChip] = useState<Chip>("all");
  const names = useNames(context);
  const jobId = context.job.id;
  // What came with the job is enough where it is all there is.
  const whole = context.timeline?.nextCursor ? null : context.timeline;
  const query = useInfiniteQuery({
    queryKey: ["job", jobId, "timeline", chip],
    initialPageParam: undefined as string | undefined,
    ...(chip === "all" && whole ? { initialData: { pages: [whole], pageParams: [undefined] } } : {}),
    staleTime: 60_000,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/v1/jobs/{job_id}/timeline", { params: { path: { job_id: jobId }, query: { of: context.author ? "USER" : "ITEM", kind: [...KINDS_OF[chip]], limit: 30, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const shown = (query.data?.pages ?? []).flatMap((page) => page.items).flatMap((one) => happenedOf(one, names, say));
  const away = (query.data?.pages[0]?.missing ?? []).some((one) => one.reason === "UNAVAILABLE");
  return (
    <>
      <div className={classes.head}>
        <h2 id="job-history" tabIndex={-1}>
          {say("history")}
        </h2>
        <span className="dim t13" style={{ marginInlineStart: 0 }}>
          {shown.length > 0 ? `${shown.length}${query.hasNextPage ? "+" : ""}` : ""}
        </span>
        <Keys of="job.history" fallback="H" />
      </div>
      <div className={classes.filters} role="group" aria-label={say("history")}>
        {CHIPS.map((one) => (
          <button key={one} type="button" className={classes.chip} aria-pressed={chip === one} onClick={() => setChip(one)}>
            {say(one)}
          </button>
        ))}
      </div>
      {query.error ? <Problem error={query.error} again={() => void query.refetch()} /> : null}
      {away ? <p className={`${classes.tl} dim t12`}>{say("partAway", { part: say("history") })}</p> : null}
      {query.isPending ? <Skeleton lines={4} /> : null}
      {query.data && shown.length === 0 ? <p className={`${classes.tl} dim t13`}>{say(chip === "all" ? "noHistory" : "noHistoryOf")}</p> : null}
      <Days happened={shown} />
      {query.hasNextPage ? (
        <div className={classes.tl}>
          <Button size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {say("more")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

function Days({ happened }: { happened: readonly Happened[] }) {
  const say = useWords(words);
  const today = new Date(useNow(60)).toDateString();
  const yesterday = new Date(useNow(60) - 86_400_000).toDateString();
  const dayOf = (at: string) => {
    const day = new Date(at).toDateString();
    return day === today ? "today" : day === yesterday ? "yesterday" : "before";
  };
  return (
    <ol className={classes.tl}>
      {happened.map((one, index) => {
        const day = dayOf(one.at);
        const begins = index === 0 || dayOf(happened[index - 1]?.at ?? "") !== day;
        const next = happened[index + 1];
        const isLast = next === undefined || dayOf(next.at) !== day;
        const Icon = one.icon;
        return (
          <li key={one.id}>
            {begins ? <div className={classes.day}>{say(day)}</div> : null}
            <div className={classes.moment} data-last={isLast || undefined} data-undone={one.undone || undefined}>
              <span className={classes.dot}>{Icon ? <Icon stroke={1.75} aria-hidden="true" /> : <Glyph level={one.level ?? "none"} />}</span>
              <b className="user-text">{one.title}</b>
              {one.quote ? <span className={`${classes.quote} user-text`}>{say("quoted", { text: one.quote })}</span> : null}
              <div className={classes.meta}>
                <span className="ell user-text">{one.by}</span>
                <Moment at={one.at} />
              </div>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
