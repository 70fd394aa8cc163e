/** How long jobs were worked on, over time: the middle one, and nine of ten; what waited in its table. */
import { useQuery } from "@tanstack/react-query";

import { Lines } from "@/chart/chart";
import { Figure } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { Problem, Skeleton } from "@/control/state";
import { useDuration } from "@/measure/duration";
import shared from "@/measure/measure.module.css";
import { useBucketName, useDayName } from "@/measure/use-day-name";
import { useWords } from "@/words/words";

import classes from "./analytics.module.css";
import { timesQuery, type Asked, type Point } from "./query";
import { words } from "./words";

const CURVES = [
  ["handlingMedian", "var(--ch1)", undefined],
  ["handlingNine", "var(--ch4)", "6 3"],
] as const;
const rounded = (seconds: number | null) => (seconds === null ? null : Math.round(seconds));

export function TimesFigure({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const written = useDuration();
  const dayName = useDayName();
  const { window } = asked;
  const { data, error, refetch } = useQuery(timesQuery(asked, "NONE", true));
  const points = [...(data ?? [])].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  const bucketName = useBucketName(window.bucket, Math.max(points.length, window.days));
  const numbers = ({ handling, waiting }: Point) => [handling.median, handling.p90, waiting.median, waiting.p90];
  const names = [say("handlingMedian"), say("handlingNine"), say("waitingMedian"), say("waitingNine")];
  const sheet: Sheet = {
    columns: [{ name: say("start") }, { name: say("decided"), numeric: true }, ...names.map((name) => ({ name: `${name} (${say("seconds")})`, numeric: true }))],
    rows: points.map((point) => [point.start, point.decisions, ...numbers(point).map(rounded)]),
  };
  const readable: Sheet = {
    columns: [{ name: say("start") }, { name: say("decided"), numeric: true }, ...names.map((name) => ({ name, numeric: true }))],
    rows: points.map((point) => [bucketName(point.start), point.decisions, ...numbers(point).map(written)]),
  };
  const medians = points.map((point) => point.handling.median).filter((one) => one !== null);
  const none = <p className="t13 dim">{say("noDecisions", { from: dayName(window.from), to: dayName(window.to) })}</p>;
  const chart = (
    <>
      <ul className={shared.legend}>
        {CURVES.map(([key, colour, dash]) => (
          <li key={key}>
            <span className={classes.legendline} style={{ borderColor: colour, borderTopStyle: dash ? "dashed" : "solid" }} />
            {say(key)}
          </li>
        ))}
      </ul>
      <Lines
        text={say("timesText", { low: written(Math.min(...medians)), high: written(Math.max(...medians)), count: points.length })}
        curves={CURVES.map(([key, colour, dash]) => ({ key, name: say(key), colour, dash }))}
        rows={points.map((point) => ({ label: bucketName(point.start), values: [point.handling.median, point.handling.p90] }))}
        written={written}
      />
    </>
  );
  return (
    <Figure
      title={say("times")}
      sub={say("timesSub", { unit: window.bucket })}
      sheet={sheet}
      shownSheet={readable}
      file={`times-${window.from}-${window.to}`}
      chart={error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : medians.length === 0 ? none : chart}
      table={error ? <Problem error={error} again={() => void refetch()} /> : data && points.length === 0 ? none : undefined}
    />
  );
}
