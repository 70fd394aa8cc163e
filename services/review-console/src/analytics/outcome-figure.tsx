/** Decisions over time, stacked by outcome; the cap on each bar is what it was before. */
import { OTHERS, StackedBars } from "@/chart/chart";
import { Figure } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { Empty } from "@/control/state";
import { NO_VIOLATION, PASSED_ON, sum } from "@/measure/answer";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useBucketName, useDayName } from "@/measure/use-day-name";
import type { TimeWindow } from "@/measure/window";
import { useWords } from "@/words/words";

import type { Counts } from "./query";
import { words } from "./words";

const SETTINGS: ReadonlySet<string> = new Set(["AUTOMATIC_CLOSE"]);
const LAYERS = [
  ["acted", "var(--ch1)"],
  ["noViolation", "var(--ch5)"],
  ["passedOn", "var(--ch2)"],
  ["closed", OTHERS],
] as const;
type Outcome = (typeof LAYERS)[number][0];

function outcomeOf(type: string): Outcome {
  return SETTINGS.has(type) ? "closed" : NO_VIOLATION.has(type) ? "noViolation" : PASSED_ON.has(type) ? "passedOn" : "acted";
}

export function OutcomeFigure({ counts, window }: { counts: Counts; window: TimeWindow }) {
  const say = useWords(words);
  const dayName = useDayName();
  const { decided, byType } = counts.of;
  const bucketName = useBucketName(window.bucket, decided.starts.length);
  const unit = { unit: window.bucket };
  const all = decided.series[0];
  const at = (outcome: Outcome, index: number) => sum(byType.series.filter((one) => outcomeOf(one.keys[0] ?? "") === outcome).map((one) => one.counts[index] ?? 0));
  const layers = LAYERS.map(([key, colour]) => ({ key, colour, name: say(key), total: sum(decided.starts.map((_, index) => at(key, index))) })).filter((one) => one.total > 0);
  // One decision may be of two types: what acted is the rest, so that the parts sum up to all.
  const rows = decided.starts.map((start, index) => {
    const whole = all?.counts[index] ?? 0;
    const others = sum(layers.filter((one) => one.key !== "acted").map((one) => at(one.key, index)));
    return { start, label: bucketName(start), counts: layers.map((one) => (one.key === "acted" ? Math.max(0, whole - others) : at(one.key, index))), total: whole, before: all?.previous?.[index] ?? null };
  });
  const sheet: Sheet = {
    columns: [{ name: say("start") }, ...layers.map((one) => ({ name: one.name, numeric: true })), { name: say("total"), numeric: true }, ...(window.isCompared ? [{ name: say("beforeTotal", unit), numeric: true }] : [])],
    rows: rows.map((row) => [row.start, ...row.counts, row.total, ...(window.isCompared ? [row.before] : [])]),
  };
  const readable: Sheet = { ...sheet, rows: sheet.rows.map((row, index) => [rows[index]?.label ?? "", ...row.slice(1)]) };
  const [from, to] = [dayName(window.from), dayName(window.to)];
  const peak = rows.reduce((best, row) => (row.total > best.total ? row : best), rows[0] ?? { label: "", total: 0 });
  const total = all?.total ?? 0;
  const text = say("outcomeText", { total: total.toLocaleString(), from, to, peak: peak.label, most: peak.total.toLocaleString() });
  const hasAny = total > 0 || (all?.previousTotal ?? 0) > 0;
  return (
    <Figure
      title={say("outcomes")}
      link={
        <DecisionsLink window={window} source={["MRT_JOB"]}>
          {say("outcomes")}
        </DecisionsLink>
      }
      sub={say("byBucket", unit)}
      sheet={sheet}
      shownSheet={readable}
      file={`outcomes-${window.from}-${window.to}`}
      chart={
        <>
          {hasAny ? (
            <ul className={shared.legend}>
              {layers.map((one, index) => (
                <li key={one.key}>
                  <i style={{ background: one.colour }} />
                  {one.name} <b>{sum(rows.map((row) => row.counts[index] ?? 0)).toLocaleString()}</b>
                </li>
              ))}
              {window.isCompared ? (
                <li>
                  <u />
                  {say("beforeAll", unit)} <b>{(all?.previousTotal ?? 0).toLocaleString()}</b>
                </li>
              ) : null}
            </ul>
          ) : (
            <p className="t13 dim">{say("noDecisions", { from, to })}</p>
          )}
          <StackedBars text={text} layers={layers} rows={rows} beforeName={say("beforeTotal", unit)} totalName={say("total")} />
        </>
      }
      table={hasAny ? undefined : <Empty title={say("noDecisions", { from, to })}>{say("noDecisionsText")}</Empty>}
    />
  );
}
