/** Four numbers: what came, what was decided, how long it took, how long it waited. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Spark } from "@/chart/chart";
import { Pane, Problem } from "@/control/state";
import { useChange } from "@/measure/change-words";
import { useDuration } from "@/measure/duration";
import { DecisionsLink, QueuesLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useWords } from "@/words/words";

import { timesQuery, type Asked, type Counts } from "./query";
import { words } from "./words";

const bold = (chunks: ReactNode[]) => <b>{chunks}</b>;

export function Summary({ counts, asked }: { counts: Counts; asked: Asked }) {
  return (
    <div className={shared.cards}>
      <Pane>
        <Came counts={counts} />
      </Pane>
      <Pane>
        <Decided counts={counts} asked={asked} />
      </Pane>
      <Pane>
        <Times asked={asked} of="handling" />
      </Pane>
      <Pane>
        <Times asked={asked} of="waiting" />
      </Pane>
    </div>
  );
}

function useChanged() {
  const say = useWords(words);
  const change = useChange();
  return (now: number, before: number | null | undefined) => (before ? say.rich("changedFrom", { change: change(now, before, 1), before: before.toLocaleString(), b: bold }) : null);
}

function Came({ counts }: { counts: Counts }) {
  const say = useWords(words);
  const changed = useChanged();
  const { total = 0, previousTotal = null, counts: each = [] } = counts.of.came.series[0] ?? {};
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <QueuesLink>{say("came")}</QueuesLink>
      </h2>
      <div className={shared.value}>
        <b>{(total ?? 0).toLocaleString()}</b>
        <Spark counts={each} />
      </div>
      <p className={shared.note}>{changed(total ?? 0, previousTotal)}</p>
    </div>
  );
}

function Decided({ counts, asked }: { counts: Counts; asked: Asked }) {
  const say = useWords(words);
  const changed = useChanged();
  const { total = 0, previousTotal = null, counts: each = [] } = counts.of.decided.series[0] ?? {};
  const skipped = counts.of.skips.series[0]?.total ?? 0;
  const change = changed(total ?? 0, previousTotal);
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <DecisionsLink window={asked.window} queue={asked.queues.length > 0 ? asked.queues : undefined} source={["MRT_JOB"]}>
          {say("decided")}
        </DecisionsLink>
      </h2>
      <div className={shared.value}>
        <b>{(total ?? 0).toLocaleString()}</b>
        <Spark counts={each} />
      </div>
      <p className={shared.note}>
        {change}
        {change ? " · " : null}
        {say.rich("skippedToo", { skipped: skipped.toLocaleString(), b: bold })}
      </p>
    </div>
  );
}

function Times({ asked, of }: { asked: Asked; of: "handling" | "waiting" }) {
  const say = useWords(words);
  const written = useDuration();
  const { data, error, refetch } = useQuery(timesQuery(asked, "NONE"));
  const before = useQuery({ ...timesQuery(asked, "NONE", false, true), enabled: asked.window.isCompared }).data?.[0]?.[of].median ?? null;
  const found = data?.[0]?.[of];
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>{say(of === "handling" ? "handling" : "waitingTime")}</h2>
      {error ? <Problem error={error} again={() => void refetch()} /> : null}
      {data ? (
        <>
          <div className={shared.value}>
            <b>{written(found?.median ?? null)}</b>
            {found?.median === null || found === undefined ? null : <span className={shared.aside}>{say("middle")}</span>}
          </div>
          <p className={shared.note}>
            {found === undefined || found.p90 === null ? say("noTimes") : say.rich("nine", { span: written(found.p90), b: bold })}
            {before === null ? null : ` · ${say("before", { span: written(before) })}`}
          </p>
        </>
      ) : null}
    </div>
  );
}
