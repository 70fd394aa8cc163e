/** Bars over time, stacked; a dashed cap on each says what it was before. */
import { Bar, CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, usePlotArea, XAxis, YAxis } from "recharts";

import classes from "./chart.module.css";

export interface Layer {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
}

export interface StackRow {
  readonly label: string;
  readonly counts: readonly number[];
  readonly total: number;
  readonly before: number | null;
}

export interface StackProps {
  readonly layers: readonly Layer[];
  readonly rows: readonly StackRow[];
  readonly beforeName: string;
  readonly totalName: string;
}

const FEW = 12; // bars with their number printed
const NUMBER_HEIGHT = 20;
const FONT = { fontSize: 12, fill: "var(--dim)" };

export default function StackedBars({ layers, rows, beforeName, totalName }: StackProps) {
  const data = rows.map((row) => ({ ...row, ...Object.fromEntries(layers.map((layer, index) => [layer.key, row.counts[index] ?? 0])) }));
  // Nothing at all before is no mark along the floor.
  const isCompared = rows.some((row) => Boolean(row.before));
  const isFew = rows.length <= FEW;
  return (
    <ResponsiveContainer width="100%" height="100%">
      <ComposedChart data={data} margin={{ top: 20, right: 0, bottom: 0, left: 0 }} barCategoryGap={isFew ? "29%" : "12%"} accessibilityLayer={false}>
        <CartesianGrid vertical={false} stroke="var(--ch-grid)" />
        <XAxis dataKey="label" tickLine={false} axisLine={false} tick={FONT} minTickGap={12} />
        <YAxis width={44} tickLine={false} axisLine={false} tick={FONT} allowDecimals={false} tickFormatter={(value: number) => value.toLocaleString()} />
        <Tooltip isAnimationActive={false} cursor={false} content={({ active, payload }) => (active ? <Told row={payload[0]?.payload as StackRow | undefined} layers={layers} beforeName={beforeName} totalName={totalName} /> : null)} />
        {layers.map((layer) => (
          <Bar key={layer.key} dataKey={layer.key} stackId="all" fill={layer.colour} stroke="var(--bg)" strokeWidth={isFew ? 1 : 0} isAnimationActive={false} maxBarSize={56} />
        ))}
        {isCompared ? <Line dataKey="before" stroke="none" activeDot={false} legendType="none" isAnimationActive={false} dot={<Cap bars={rows.length} />} /> : null}
        {isFew ? <Line dataKey="total" stroke="none" activeDot={false} legendType="none" isAnimationActive={false} dot={<Total />} /> : null}
      </ComposedChart>
    </ResponsiveContainer>
  );
}

function Cap({ cx, cy, bars }: { cx?: number; cy?: number; bars: number }) {
  const area = usePlotArea();
  if (cx === undefined || cy === undefined || !area || Number.isNaN(cy)) return null;
  const half = Math.min(36, (area.width / bars) * 0.42);
  const ends = { x1: cx - half, x2: cx + half, y1: cy, y2: cy };
  return (
    <g>
      <line {...ends} stroke="var(--bg)" strokeWidth={4} />
      <line {...ends} stroke="var(--text)" strokeWidth={2} strokeDasharray="4 3" />
    </g>
  );
}

/** The number over a bar, and over the mark of the time before where that lies right above it. */
function Total({ cx, cy, payload }: { cx?: number; cy?: number; payload?: StackRow }) {
  const area = usePlotArea();
  if (cx === undefined || cy === undefined || !area || !payload?.total) return null;
  const floor = area.y + area.height;
  const mark = payload.before === null ? cy : floor - ((floor - cy) / payload.total) * payload.before;
  const top = mark < cy && cy - mark < NUMBER_HEIGHT ? mark : cy;
  return (
    <text x={cx} y={top - 6} textAnchor="middle" fontSize={12} fontWeight={500} fill="var(--text)" stroke="var(--bg)" strokeWidth={3} paintOrder="stroke">
      {payload.total.toLocaleString()}
    </text>
  );
}

function Told({ row, layers, beforeName, totalName }: { row: StackRow | undefined; layers: readonly Layer[]; beforeName: string; totalName: string }) {
  if (!row) return null;
  return (
    <div className={classes.told}>
      <b>{row.label}</b>
      <dl>
        {layers.map((layer, index) =>
          row.counts[index] ? (
            <div key={layer.key}>
              <dt>
                <i style={{ background: layer.colour }} />
                {layer.name}
              </dt>
              <dd>{row.counts[index].toLocaleString()}</dd>
            </div>
          ) : null,
        )}
        <div>
          <dt>{totalName}</dt>
          <dd>{row.total.toLocaleString()}</dd>
        </div>
        {row.before === null ? null : (
          <div>
            <dt>{beforeName}</dt>
            <dd>{row.before.toLocaleString()}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}
