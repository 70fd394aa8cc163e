/** How right a rule is by what people decided: shares with their intervals, and where the two do not agree. */
import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Problem } from "@/control/state";
import { usePermission } from "@/session/session";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./builder.module.css";
import { words } from "./measured-words";

type Measured = Schema["MeasuredView"];
const KINDS = ["MATCHED_LEFT", "MISSED_ACTED", "UNDECIDED", "MATCHED_ACTED"] as const;
type Kind = (typeof KINDS)[number];

export function MeasuredPart({ id, at, measured }: { id: string; at: string; measured: Measured | null }) {
  const say = useWords(words);
  const [kind, setKind] = useState<Kind>("MATCHED_LEFT");
  if (measured === null) return <p className="dim t12">{say("noLabels")}</p>;
  const judged = measured.matchedActed + measured.matchedLeft + measured.missedActed + measured.missedLeft + measured.undecided;
  const countOf = { MATCHED_LEFT: measured.matchedLeft, MISSED_ACTED: measured.missedActed, UNDECIDED: measured.undecided, MATCHED_ACTED: measured.matchedActed };
  return (
    <section className={classes.measured} aria-label={say("title")}>
      <h3>{say("title")}</h3>
      <dl className={classes.shares}>
        <ShareOf share={measured.precision} name={say("precision", { part: measured.matchedActed, whole: measured.matchedActed + measured.matchedLeft })} />
        <ShareOf share={measured.recall} name={say("recall", { part: measured.matchedActed, whole: measured.matchedActed + measured.missedActed })} />
      </dl>
      <p className="dim t12">{say("of", { judged, labelled: measured.labelled })}</p>
      {judged > 0 ? (
        <>
          <SegmentedControl size="xs" aria-label={say("shown")} className={classes.shown} data={KINDS.map((value) => ({ value: value as string, label: say(`kind_${value}`, { count: countOf[value] }) }))} value={kind} onChange={(next) => setKind(next as Kind)} />
          <Labels id={id} at={at} kind={kind} />
        </>
      ) : null}
    </section>
  );
}

function ShareOf({ share, name }: { share: Schema["ShareView"] | null; name: string }) {
  const say = useWords(words);
  return (
    <div>
      <dd className="tnum">{share === null ? say("none") : say("share", { share: share.share })}</dd>
      <dt>
        {name}
        {share === null ? null : <span className="tnum"> · {say("interval", { low: share.low, high: share.high })}</span>}
      </dt>
    </div>
  );
}

function Labels({ id, at, kind }: { id: string; at: string; kind: Kind }) {
  const say = useWords(words);
  const mayJobs = usePermission("VIEW_MRT");
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["backtest", id, "labels", kind, at],
    retry: false,
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/backtests/{backtest_id}/labels", { params: { path: { backtest_id: id }, query: { agreement: kind, limit: 20, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {error ? <Problem error={error} /> : null}
      {data && items.length === 0 ? <span className="dim t13">{say("noneOfKind")}</span> : null}
      <ul className={classes.samples}>
        {items.map((one) => (
          <li key={one.jobId}>
            <Link to="/investigate" search={{ type: one.item.typeId, id: one.item.id }} className="user-text ell">
              {one.item.id}
            </Link>
            {mayJobs ? (
              <Link to="/jobs/$jobId" params={{ jobId: one.jobId }} className="t12 ell">
                {say(one.acted ? "jobActed" : "jobLeft")}
              </Link>
            ) : (
              <span className="dim t12 ell">{say(one.acted ? "acted" : "left")}</span>
            )}
            <span className="dim t12">
              <Moment at={one.decidedAt} />
            </span>
          </li>
        ))}
      </ul>
      {hasNextPage ? (
        <Button size="compact-xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </>
  );
}
