/**
 * The chapters of the user guide (`docs/guide`), in the order in which they are read, and which of
 * them is about a page of the console.
 *
 * Guarantees: small: the shell loads it; the texts and pictures are in `guide`, which only Help loads.
 */
export const CHAPTERS = ["start", "administrator", "integrator", "policy-author", "moderator", "child-safety-reviewer"] as const;
export type Chapter = (typeof CHAPTERS)[number];

export interface Place {
  readonly chapter: Chapter;
  /** Of a heading. */
  readonly anchor?: string;
}

/** By the beginning of a page's address; the first that fits counts. */
export const PLACES: readonly (readonly [path: string, place: Place])[] = [
  ["/settings/item-types", { chapter: "start", anchor: "5-say-what-people-make" }],
  ["/settings/actions", { chapter: "start", anchor: "8-let-coop-act-on-your-platform" }],
  ["/settings/keys", { chapter: "start", anchor: "9-make-a-key" }],
  ["/settings/first-steps", { chapter: "start", anchor: "4-look-at-the-first-steps" }],
  ["/settings/queues", { chapter: "start", anchor: "11-look-at-the-queue" }],
  ["/settings/deliveries", { chapter: "integrator", anchor: "when-something-does-not-arrive" }],
  ["/settings/ncmec", { chapter: "child-safety-reviewer", anchor: "set-it-up" }],
  ["/settings/operations", { chapter: "administrator", anchor: "records-that-no-service-could-handle" }],
  ["/settings/erasures", { chapter: "administrator", anchor: "good-to-know" }],
  ["/settings", { chapter: "administrator" }],
  ["/strikes", { chapter: "administrator" }],
  ["/banks/hash", { chapter: "policy-author", anchor: "find-pictures-that-are-known" }],
  ["/banks", { chapter: "policy-author" }],
  ["/routing", { chapter: "policy-author", anchor: "send-what-is-reported-to-the-right-queue" }],
  ["/rules", { chapter: "policy-author", anchor: "write-a-rule" }],
  ["/policies", { chapter: "policy-author", anchor: "say-what-is-not-allowed" }],
  ["/child-safety", { chapter: "child-safety-reviewer" }],
  ["/queues", { chapter: "moderator" }],
  ["/jobs", { chapter: "moderator", anchor: "decide" }],
  ["/second-review", { chapter: "moderator" }],
  ["/decisions", { chapter: "moderator" }],
  ["/investigate", { chapter: "moderator" }],
];

/** The chapter about a page; null: none is, and the contents are. */
export function placeOf(path: string): Place | null {
  return PLACES.find(([beginning]) => path === beginning || path.startsWith(`${beginning}/`))?.[1] ?? null;
}

/** The anchor of a heading: as Markdown pages elsewhere make it, so that a link works in both. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}
