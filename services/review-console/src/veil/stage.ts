/**
 * How much of a medium is shown.
 *
 *     caption ──B──▶ veiled ──B──▶ grey ──C──▶ colour
 *        ▲             ▲  Shift B   │     C       │
 *        └─────────────┴────────────┴─────────────┘  next job, tab left, stepped away, its time: veiled
 *
 * Of a film grey is its frames beside each other, and colour plays it; a sound has no grey. Where
 * somebody chose to see pictures as they are, those have no grey either.
 *
 * Guarantees: nothing but a deliberate act goes one stage further; a stage that there is is never
 * skipped on the way to colour.
 */
export type Stage = "caption" | "veiled" | "grey" | "colour";
export type Kind = "image" | "video" | "audio";

/** `isTinted`: pictures are grey at first. */
export function stagesOf(kind: Kind, isTinted: boolean): readonly Stage[] {
  const hasGrey = kind === "video" || (kind === "image" && isTinted);
  return hasGrey ? ["caption", "veiled", "grey", "colour"] : ["caption", "veiled", "colour"];
}

/** `B`: the next one; to colour only where there is no grey. */
export function further(stage: Stage, stages: readonly Stage[]): Stage {
  const next = stages[stages.indexOf(stage) + 1] ?? stage;
  return stage === "grey" ? "grey" : next;
}

/** `C`: colour on and off; from a veil it first goes one stage further. */
export function coloured(stage: Stage, stages: readonly Stage[]): Stage {
  if (stage === "colour") return stages.includes("grey") ? "grey" : "veiled";
  return stage === "grey" ? "colour" : further(stage, stages);
}

/** `Shift B`, and by itself. */
export function reveiled(stage: Stage): Stage {
  return stage === "caption" ? "caption" : "veiled";
}

export function isClear(stage: Stage): boolean {
  return stage === "grey" || stage === "colour";
}
