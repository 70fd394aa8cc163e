/**
 * How grave something is: a glyph, a word and a colour, never the colour alone.
 */
import type { ReactNode } from "react";

export type Level = "severe" | "high" | "medium" | "low" | "none" | "done";

const SHAPES: Readonly<Record<Level, ReactNode>> = {
  severe: <path d="M6 1.2 11.4 10.8H.6z" fill="currentColor" />,
  high: <path d="M6 .6 11.4 6 6 11.4.6 6z" fill="currentColor" />,
  medium: (
    <>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <path d="M6 1.4a4.6 4.6 0 0 0 0 9.2z" fill="currentColor" />
    </>
  ),
  low: <circle cx="6" cy="6" r="4.8" fill="currentColor" />,
  none: <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  done: <path d="M1.5 6.4 4.6 9.5 10.5 2.8" fill="none" stroke="currentColor" strokeWidth="1.8" />,
};

export function Glyph({ level }: { level: Level }) {
  return (
    <svg className={level} width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      {SHAPES[level]}
    </svg>
  );
}

/** In choices and clocks the word is coloured too; in lists (`quiet`) the glyph alone. */
export function Severity({ level, quiet = false, children }: { level: Level; quiet?: boolean; children: ReactNode }) {
  return (
    <span className={quiet ? "sev" : `sev ${level}`}>
      <Glyph level={level} />
      {children}
    </span>
  );
}

/** An action's penalty, or a job's severity from 0 to 4, as a level. */
export function levelOf(penalty: string | number | null | undefined): Level {
  const named: Readonly<Record<string, Level>> = { NONE: "none", LOW: "low", MEDIUM: "medium", HIGH: "high", SEVERE: "severe" };
  if (typeof penalty === "string") return named[penalty] ?? "none";
  return (["none", "low", "medium", "high", "severe"] as const)[penalty ?? 0] ?? "severe";
}
