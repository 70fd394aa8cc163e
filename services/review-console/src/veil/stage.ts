/**
 * How much of a medium is shown.
 *
 *     caption ──B──▶ veiled ──B──▶ grey ──C──▶ colour
 *        ▲             ▲  Shift B   │     C       │
 *        └─────────────┴────────────┴─────────────┘  next job, tab left, 20 s: veiled
 *
 * Guarantees: nothing but a deliberate act goes one stage further; a stage is never skipped on the way
 * to colour.
 */
export const STAGES = ["caption", "veiled", "grey", "colour"] as const;
export type Stage = (typeof STAGES)[number];

export const REVEIL_MS = 20_000;

/** `B`: the next one, up to grey. */
export function further(stage: Stage): Stage {
  return stage === "caption" ? "veiled" : stage === "veiled" ? "grey" : stage;
}

/** `C`: colour on and off; from a veil it first goes to grey. */
export function coloured(stage: Stage): Stage {
  if (stage === "colour") return "grey";
  return stage === "grey" ? "colour" : further(stage);
}

/** `Shift B`, and by itself. */
export function reveiled(stage: Stage): Stage {
  return stage === "caption" ? "caption" : "veiled";
}

export function isClear(stage: Stage): boolean {
  return stage === "grey" || stage === "colour";
}
