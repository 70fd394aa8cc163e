/** Lines over time; what is not known is a gap, never nought. */
import { CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

import classes from "./chart.module.css";

export interface Curve {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
  /** As of SVG: `6 3`. Colour alone would say nothing to many. */
  readonly dash?: string;
}

export interface LineRow {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

export interface LinesProps {
  readonly curves: readonly Curve[];
  readonly rows: readonly LineRow[];
  /** A value as it is written at the axis and beside a point. */
  readonly written: (value: number) => string;
}

const FONT = { fontSize: 12, fill: "var(--dim)" };

export default function LineChart({ curves, rows, written }: LinesProps) {
  const data = rows.map((row) => ({ ...row, ...Object.fromEntries(curves.map((curve, index) => [curve.key, row.values[index] ?? null])) }));
  return (
    <ResponsiveContainer width="100%" height="100%">
      <ComposedChart data={data} margin={{ top: 12, right: 8, bottom: 0, left: 0 }} accessibilityLayer={false}>
        <CartesianGrid vertical={false} stroke="var(--ch-grid)" />
        <XAxis dataKey="label" tickLine={false} axisLine={false} tick={FONT} minTickGap={12} padding={{ left: 16, right: 16 }} />
        <YAxis width={64} tickLine={false} axisLine={false} tick={FONT} tickFormatter={written} />
        <Tooltip isAnimationActive={false} content={({ active, payload }) => (active ? <Told row={payload[0]?.payload as LineRow | undefined} curves={curves} written={written} /> : null)} />
        {curves.map((curve) => (
          <Line key={curve.key} type="linear" dataKey={curve.key} stroke={curve.colour} strokeWidth={2} strokeDasharray={curve.dash} dot={{ r: 2.5, strokeWidth: 0, fill: curve.colour }} connectNulls={false} isAnimationActive={false} />
        ))}
      </ComposedChart>
    </ResponsiveContainer>
  );
}

function Told({ row, curves, written }: { row: LineRow | undefined; curves: readonly Curve[]; written: (value: number) => string }) {
  if (!row) return null;
  return (
    <div className={classes.told}>
      <b>{row.label}</b>
      <dl>
        {curves.map((curve, index) => {
          const value = row.values[index];
          return value === null || value === undefined ? null : (
            <div key={curve.key}>
              <dt>
                <i style={{ background: curve.colour }} />
                {curve.name}
              </dt>
              <dd>{written(value)}</dd>
            </div>
          );
        })}
      </dl>
    </div>
  );
}
