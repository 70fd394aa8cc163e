/**
 * The width of a column: dragged at its edge, or moved with the arrow keys while its edge has the focus;
 * kept on the account. `Home` gives back the width that the page chose.
 */
import { useRef, type KeyboardEvent, type PointerEvent } from "react";

import { prefer, preference, usePreference } from "@/preference/preference";
import { useWords } from "@/words/words";

import classes from "./data-table.module.css";
import { words } from "./words";

const LEAST = 48;
const MOST = 800;
const STEP = 16;

export function useWidths(table: string): Readonly<Record<string, number>> {
  return usePreference().columnWidths[table] ?? {};
}

function keep(table: string, column: string, width: number | null): void {
  const all = preference().columnWidths;
  const { [column]: before, ...others } = all[table] ?? {};
  if (width === null && before === undefined) return;
  prefer({ columnWidths: { ...all, [table]: width === null ? others : { ...others, [column]: Math.round(Math.min(MOST, Math.max(LEAST, width))) } } });
}

export function Edge({ table, column, name }: { table: string; column: string; name: string }) {
  const say = useWords(words);
  const from = useRef<{ x: number; width: number } | null>(null);
  const edge = useRef<HTMLSpanElement>(null);
  const widthNow = () => edge.current?.parentElement?.getBoundingClientRect().width ?? LEAST;
  const away = () => (document.documentElement.dir === "rtl" ? -1 : 1);
  const width = useWidths(table)[column];
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, number>> = { ArrowLeft: -STEP * away(), ArrowRight: STEP * away() };
    const move = moves[event.key];
    if (move === undefined && event.key !== "Home") return;
    event.preventDefault();
    event.stopPropagation();
    keep(table, column, move === undefined ? null : widthNow() + move);
  };
  const onPointerDown = (event: PointerEvent) => {
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { x: event.clientX, width: widthNow() };
  };
  const onPointerMove = (event: PointerEvent) => {
    if (from.current) keep(table, column, from.current.width + (event.clientX - from.current.x) * away());
  };
  return (
    // A separator that has the focus and a value is a control (WAI-ARIA 1.2), which the rule does not know.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <span
      ref={edge}
      role="separator"
      aria-orientation="vertical"
      aria-label={say("widthOf", { name })}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={width ?? LEAST}
      aria-valuetext={width === undefined ? say("widthUsual") : say("widthIs", { width })}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className={classes.edge}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => (from.current = null)}
      onDoubleClick={() => keep(table, column, null)}
    />
  );
}
