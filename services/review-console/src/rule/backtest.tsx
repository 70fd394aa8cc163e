/** A rule as it is written on the items of past days: how far, how many, what is other than live, how right. */
import { Button, SegmentedControl, Select } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { Problem, Skeleton } from "@/control/state";
import { usePermission } from "@/session/session";
import { calledBy } from "@/session/permission";
import { Part } from "@/settings/document-form";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./builder.module.css";
import { words } from "./builder-words";
import { MeasuredPart } from "./measured";

export type Backtest = Schema["BacktestView"];
const DAYS = ["1", "7", "30"] as const;
const DAY_MS = 86_400_000;
const OFTEN_MS = 1000;
const PAST = 20;
export const OPEN: readonly Backtest["state"][] = ["REQUESTED", "RUNNING", "CANCELLING"];

const backtestQuery = (id: string | null) => ({
  queryKey: ["backtest", id],
  enabled: id !== null,
  retry: false,
  queryFn: ({ signal }: { signal: AbortSignal }) => take(api.GET("/v1/backtests/{backtest_id}", { params: { path: { backtest_id: id ?? "" } }, signal })),
});

interface Props {
  readonly body: Schema["RuleBody"];
  readonly ruleId: string | null;
  /** Whether the rule is another one than the saved. */
  readonly isDirty: boolean;
  readonly hasFaults: boolean;
}

export function BacktestPart({ body, ruleId, isDirty, hasFaults }: Props) {
  const say = useWords(words);
  const may = usePermission("RUN_BACKTEST");
  const [days, setDays] = useState<string>("7");
  const [id, setId] = useState<string | null>(null);
  // Of a rule that was saved, the last one is shown until another is started.
  const last = useQuery({ queryKey: ["backtests", ruleId], enabled: may && ruleId !== null, retry: false, queryFn: ({ signal }) => take(api.GET("/v1/backtests", { params: { query: { ruleId, limit: 1 } }, signal })) });
  const past = useQuery({ queryKey: ["backtests", "past"], enabled: may, staleTime: 60_000, retry: false, queryFn: ({ signal }) => take(api.GET("/v1/backtests", { params: { query: { limit: PAST } }, signal })) });
  const takes = expectedSeconds(past.data?.items ?? [], Number(days));
  const shown = id ?? last.data?.items[0]?.id ?? null;
  const { data, error } = useQuery({ ...backtestQuery(shown), refetchInterval: (query) => (query.state.data && !OPEN.includes(query.state.data.state) ? false : OFTEN_MS) });
  const start = useMutation({
    mutationFn: () => {
      const end = Date.now();
      const rule = ruleId !== null && !isDirty ? {} : { rule: { ...body, name: body.name === "" ? "-" : body.name } };
      return take(api.POST("/v1/backtests", { body: { ...(ruleId === null ? {} : { ruleId }), ...rule, start: new Date(end - Number(days) * DAY_MS).toISOString(), end: new Date(end).toISOString() } }));
    },
    onSuccess: (made) => {
      queries.setQueryData(["backtest", made.id], made);
      setId(made.id);
    },
  });
  const cancel = useMutation({ mutationFn: () => take(api.POST("/v1/backtests/{backtest_id}/cancel", { params: { path: { backtest_id: shown ?? "" } } })), onSuccess: (now) => queries.setQueryData(["backtest", now.id], now) });
  if (!may) return <Part title={say("backtest")}><p className="dim t13">{say("backtestMayNot", { needs: calledBy("RUN_BACKTEST") })}</p></Part>;
  const isOpen = data !== undefined && OPEN.includes(data.state);
  return (
    <Part
      title={say("backtest")}
      facts={hasFaults ? say("faultsAbove") : takes === null ? undefined : say("takes", { seconds: takes })}
      tools={
        <>
          <Select size="xs" className={classes.days} aria-label={say("daysBack")} data={DAYS.map((value) => ({ value: value as string, label: say("lastDays", { count: Number(value) }) }))} value={days} onChange={(next) => setDays(next ?? "7")} allowDeselect={false} />
          {isOpen ? (
            <Button size="compact-xs" loading={cancel.isPending || data.state === "CANCELLING"} onClick={() => cancel.mutate()}>
              {say("cancelBacktest")}
            </Button>
          ) : (
            <Button size="compact-xs" loading={start.isPending} disabled={hasFaults} onClick={() => start.mutate()}>
              {say(data ? "again" : "start")}
            </Button>
          )}
        </>
      }
    >
      {start.error ?? cancel.error ?? error ? <Problem error={start.error ?? cancel.error ?? error} /> : null}
      {data ? <Figures backtest={data} /> : shown === null ? <span className="dim t13">{say("backtestNone")}</span> : error ? null : <Skeleton lines={3} />}
    </Part>
  );
}

/** As long as the last one that was through took for as many days; null: nobody knows. */
export function expectedSeconds(past: readonly Backtest[], days: number): number | null {
  const last = past.find(({ state, counts, start, end }) => state === "COMPLETE" && counts.scanned > 0 && Date.parse(end) > Date.parse(start));
  if (!last) return null;
  return Math.max(1, Math.round((secondsOf(last) * days * DAY_MS) / (Date.parse(last.end) - Date.parse(last.dataFrom ?? last.start))));
}

/** From when it was asked for until it ended, or until now. */
function secondsOf({ createdAt, updatedAt }: Backtest): number {
  return (Date.parse(updatedAt) - Date.parse(createdAt)) / 1000;
}

function Figures({ backtest }: { backtest: Backtest }) {
  const say = useWords(words);
  const { counts, state, progress } = backtest;
  const unavailable = Object.entries(counts.unavailable);
  return (
    <>
      <p className="dim t12" role="status">
        {say(`state_${state}`, { percent: Math.floor(progress * 100) })} · {say("ofRevision", { revision: backtest.ruleRevision === null ? "" : String(backtest.ruleRevision), saved: String(backtest.ruleRevision !== null) })} · <Moment at={backtest.start} /> – <Moment at={backtest.end} />
      </p>
      {counts.scanned > 0 ? <p className="dim t12">{say("cost", { records: counts.scanned, seconds: Math.max(1, Math.round(secondsOf(backtest))) })}</p> : null}
      {OPEN.includes(state) ? <progress className={classes.progress} max={1} value={progress} aria-label={say("progress")} /> : null}
      {backtest.error ? <p className="severe t13 user-text">{backtest.error}</p> : null}
      <dl className={classes.figures}>
        <Figure value={counts.passed} name={say("ofEvaluated", { count: counts.evaluated })} />
        <Figure value={counts.newlyPassing} name={say("newly")} sign="+" />
        <Figure value={counts.noLongerPassing} name={say("noLonger")} sign="−" />
        <Figure value={counts.unknown} name={say("undecided")} />
      </dl>
      {backtest.dataFrom ? <p className="high t12">{say.rich("dataFrom", { when: <Moment at={backtest.dataFrom} /> })}</p> : null}
      {unavailable.length > 0 ? <p className="dim t12">{say("unavailableValues", { signals: unavailable.map(([name, count]) => `${name.replaceAll("_", " ").toLowerCase()} ${count.toLocaleString()}`).join(", ") })}</p> : null}
      {counts.passed + counts.unknown + counts.noLongerPassing > 0 ? <Samples id={backtest.id} at={backtest.updatedAt} /> : null}
      {counts.scanned > 0 || backtest.measured ? <MeasuredPart id={backtest.id} at={backtest.updatedAt} measured={backtest.measured} /> : null}
    </>
  );
}

export function Figure({ value, name, sign = "" }: { value: number; name: string; sign?: string }) {
  return (
    <div>
      <dd className="tnum">{value === 0 ? "0" : `${sign}${value.toLocaleString()}`}</dd>
      <dt>{name}</dt>
    </div>
  );
}

const KINDS = ["PASSING", "NEWLY_PASSING", "NO_LONGER_PASSING", "UNKNOWN"] as const;
type Kind = (typeof KINDS)[number];

function Samples({ id, at }: { id: string; at: string }) {
  const say = useWords(words);
  const [kind, setKind] = useState<Kind>("NEWLY_PASSING");
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["backtest", id, "samples", kind, at],
    retry: false,
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/backtests/{backtest_id}/samples", { params: { path: { backtest_id: id }, query: { difference: kind, limit: 20, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <SegmentedControl size="xs" aria-label={say("samples")} className={classes.shown} data={KINDS.map((value) => ({ value: value as string, label: say(`kind_${value}`) }))} value={kind} onChange={(next) => setKind(next as Kind)} />
      {error ? <Problem error={error} /> : null}
      {data && items.length === 0 ? <span className="dim t13">{say("noSamples")}</span> : null}
      <ul className={classes.samples}>
        {items.map((one) => (
          <li key={one.submissionId}>
            <Link to="/investigate" search={{ type: one.item.typeId, id: one.item.id }} className="user-text ell">
              {one.item.id}
            </Link>
            <span className="dim t12 ell">{one.conditions.flatMap(({ outcome, matchedValue }) => (outcome === "PASSED" && matchedValue ? [`“${matchedValue}”`] : [])).join(" ")}</span>
            <span className="dim t12">
              <Moment at={one.time} />
            </span>
          </li>
        ))}
      </ul>
      {hasNextPage ? (
        <Button size="compact-xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("moreSamples")}
        </Button>
      ) : null}
    </>
  );
}
