/** All actions over time, stacked by action, each bar with a cap where it was before. */
import { COLOURS, OTHERS, StackedBars } from "@/chart/chart";
import { Figure } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { Empty } from "@/control/state";
import { nameIn, sum } from "@/measure/answer";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useBucketName, useDayName } from "@/measure/use-day-name";
import type { TimeWindow } from "@/measure/window";
import { useWords } from "@/words/words";

import type { Figures } from "./figures";
import classes from "./overview.module.css";
import { words } from "./words";

export function TotalFigure({ figures, window }: { figures: Figures; window: TimeWindow }) {
  const say = useWords(words);
  const dayName = useDayName();
  const { total, byAction } = figures.of;
  const bucketName = useBucketName(window.bucket, total.starts.length);
  const unit = { unit: window.bucket };
  const all = total.series[0];
  const layers = byAction.series.map((one, index) => ({ key: `a${index}`, name: nameIn(figures.names, "ACTION", one.keys[0] ?? ""), colour: COLOURS[index] ?? OTHERS, total: one.total ?? 0, counts: one.counts.map((count) => count ?? 0) }));
  const others = byAction.others;
  const rows = total.starts.map((start, at) => {
    const counts = layers.map((layer) => layer.counts[at] ?? 0);
    const whole = all?.counts[at] ?? 0;
    return { start, label: bucketName(start), counts: others ? [...counts, Math.max(0, whole - sum(counts))] : counts, total: whole, before: all?.previous?.[at] ?? null };
  });
  const shown = others ? [...layers, { key: "others", name: say("others", { count: others.keys }), colour: OTHERS, total: others.total, counts: [] }] : layers;
  const sheet: Sheet = {
    columns: [{ name: say("start") }, ...shown.map((one) => ({ name: one.name, numeric: true })), { name: say("total"), numeric: true }, ...(window.isCompared ? [{ name: say("before", unit), numeric: true }] : [])],
    rows: rows.map((row) => [row.start, ...row.counts, row.total, ...(window.isCompared ? [row.before] : [])]),
  };
  const [from, to] = [dayName(window.from), dayName(window.to)];
  const peak = rows.reduce((best, row) => (row.total > best.total ? row : best), rows[0] ?? { label: "", total: 0 });
  const text = say("chartText", { total: (all?.total ?? 0).toLocaleString(), from, to, peak: peak.label, most: peak.total.toLocaleString() });
  const hasAny = (all?.total ?? 0) > 0 || (all?.previousTotal ?? 0) > 0;
  const readable: Sheet = { ...sheet, rows: sheet.rows.map((row, at) => [rows[at]?.label ?? "", ...row.slice(1)]) };
  return (
    <Figure
      title={say("totalActions")}
      link={<DecisionsLink window={window}>{say("totalActions")}</DecisionsLink>}
      sub={say("stacked", unit)}
      sheet={sheet}
      shownSheet={readable}
      file={`actions-${window.from}-${window.to}`}
      className={classes.totals}
      chart={
        <>
          {hasAny ? (
            <ul className={shared.legend}>
              {shown.map((one) => (
                <li key={one.key}>
                  <i style={{ background: one.colour }} />
                  <span className="user-text">{one.name}</span> <b>{one.total.toLocaleString()}</b>
                </li>
              ))}
              {window.isCompared ? (
                <li>
                  <u />
                  {say("beforeTotal", unit)} <b>{(all?.previousTotal ?? 0).toLocaleString()}</b>
                </li>
              ) : null}
            </ul>
          ) : (
            <p className="t13 dim">{say("noActions", { from, to })}</p>
          )}
          <StackedBars text={text} layers={shown} rows={rows} beforeName={say("before", unit)} totalName={say("total")} />
        </>
      }
      table={rows.length === 0 ? <Empty title={say("noActions", { from, to })}>{say("noActionsText")}</Empty> : undefined}
    />
  );
}
