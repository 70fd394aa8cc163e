/** What became of a report, in order: its decision, its tries, each call, its filing. */
import type { Say } from "@/words/words";

import type { Details } from "./query";
import type { words } from "./words";

export interface Step {
  readonly key: string;
  readonly at: string;
  readonly text: string;
  /** A single call, among what matters more. */
  readonly isQuiet: boolean;
  readonly isGrave: boolean;
}

type Key = Extract<keyof typeof words.messages, string>;

/** Of the same moment in the order in which they follow from each other. */
export function historyOf({ cybertip, attempts, calls }: Details, say: Say<Key>): Step[] {
  const steps: (Step & { rank: number })[] = [
    { key: "decided", rank: 0, at: cybertip.requestedAt, text: say("historyDecided", { name: cybertip.reviewer?.name ?? say("someone") }), isQuiet: false, isGrave: false },
  ];
  for (const one of attempts) {
    const number = String(one.number);
    steps.push({ key: `begin ${number}`, rank: 1, at: one.startedAt, text: say("historyAttempt", { number, id: one.reportId ?? "none" }), isQuiet: false, isGrave: false });
    if (one.endedAt && one.outcome && one.outcome !== "FILED") {
      steps.push({ key: `end ${number}`, rank: 3, at: one.endedAt, text: say("historyOutcome", { number, outcome: one.outcome }), isQuiet: false, isGrave: true });
    }
  }
  (calls ?? []).forEach((one, index) => {
    steps.push({ key: `call ${index}`, rank: 2, at: one.at, text: say("historyCall", { step: one.step, outcome: one.outcome, code: one.code === null || one.code === 0 ? "none" : String(one.code), ms: one.milliseconds }), isQuiet: one.outcome === "ok", isGrave: one.outcome !== "ok" });
  });
  if (cybertip.filedAt) steps.push({ key: "filed", rank: 4, at: cybertip.filedAt, text: say("historyFiled", { id: cybertip.reportId ?? "" }), isQuiet: false, isGrave: false });
  return steps.toSorted((a, b) => a.at.localeCompare(b.at) || a.rank - b.rank);
}
