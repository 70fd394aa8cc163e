/**
 * Charts: the one place that knows recharts, which is loaded when a chart is shown.
 *
 * Guarantees: from zero, nothing moves, every chart says in words what it shows; colours are those of
 * the tokens, in this order, never without a number or a table beside them.
 */
import { lazy, Suspense } from "react";

import { Pane } from "@/control/state";

import classes from "./chart.module.css";
import type { LinesProps } from "./lines";
import type { StackProps } from "./stacked-bars";

export const COLOURS = ["var(--ch1)", "var(--ch2)", "var(--ch3)", "var(--ch4)", "var(--ch6)"] as const;
export const OTHERS = "var(--ch-prev)";

const Bars = lazy(() => import("./stacked-bars"));

/** `text`: what the chart shows, for whoever does not see it. */
export function StackedBars({ text, ...props }: StackProps & { text: string }) {
  return (
    <div className={classes.chart} role="img" aria-label={text}>
      <Pane>
        <Suspense fallback={null}>
          <Bars {...props} />
        </Suspense>
      </Pane>
    </div>
  );
}

const Curves = lazy(() => import("./lines"));

/** Straight lines over time, each with a dash of its own. */
export function Lines({ text, ...props }: LinesProps & { text: string }) {
  return (
    <div className={classes.chart} role="img" aria-label={text}>
      <Pane>
        <Suspense fallback={null}>
          <Curves {...props} />
        </Suspense>
      </Pane>
    </div>
  );
}

const WIDTH = 88;
const HEIGHT = 24;

/** A line without axes beside a number; decoration, its numbers stand in the table. */
export function Spark({ counts }: { counts: readonly (number | null)[] }) {
  const known = counts.map((count, index) => ({ count, index })).filter((one): one is { count: number; index: number } => one.count !== null);
  const most = Math.max(1, ...known.map((one) => one.count));
  const at = ({ count, index }: { count: number; index: number }) => [2 + (index * (WIDTH - 6)) / Math.max(1, counts.length - 1), HEIGHT - 4 - (count / most) * (HEIGHT - 8)] as const;
  const points = known.map(at);
  const last = points.at(-1);
  return (
    <svg className={classes.spark} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line x1="0" x2={WIDTH} y1={HEIGHT - 2.5} y2={HEIGHT - 2.5} stroke="var(--line-strong)" />
      {points.length > 1 ? <polyline points={points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")} fill="none" stroke="var(--meter)" strokeWidth="1.5" /> : null}
      {last ? <circle cx={last[0]} cy={last[1]} r="2.5" fill="var(--meter)" /> : null}
    </svg>
  );
}

export interface Part {
  readonly value: number;
  readonly colour: string;
}

/** A bar in a row: its parts, and a tick where the number was before. `most`: the length of a full one. */
export function RowBar({ parts, most, before, thick = false }: { parts: readonly Part[]; most: number; before?: number | null; thick?: boolean }) {
  const width = (value: number) => `${Math.min(100, (value / Math.max(1, most)) * 100)}%`;
  return (
    <span className={classes.bar} data-thick={thick || undefined} aria-hidden="true">
      {parts.map((part, index) => (part.value > 0 ? <i key={index} style={{ width: width(part.value), background: part.colour }} /> : null))}
      {before ? <u style={{ insetInlineStart: width(before) }} /> : null}
    </span>
  );
}
