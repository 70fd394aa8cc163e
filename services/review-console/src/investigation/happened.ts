/** What happened to a subject, each as a line. */
import type { Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import type { Level } from "@/look/severity";
import type { Say } from "@/words/words";

import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;
export type Moment = Schema["TimelineView"]["items"][number];
export type Kind = Moment["kind"];

export interface Line {
  readonly title: string;
  readonly quote: string | null;
  readonly by: string;
  readonly level: Level | null;
  readonly isStruck: boolean;
}

/** A decision is told by the log's own words: `decided`. */
export function lineOf(one: Moment, names: Names, say: Say<Key>, decided: (entry: Schema["DecisionLogEntry"]) => Line): Line {
  const line = { quote: null, by: "", level: null, isStruck: false };
  switch (one.kind) {
    case "DECISION":
      return decided(one.decision);
    case "SUBMISSION":
      return { ...line, title: say("tSubmission"), by: names.itemType(one.item.typeId) };
    case "REPORT":
      return { ...line, title: say("tReport", { name: one.reporter?.displayName ?? one.reporter?.id ?? say("somebody") }), quote: one.reason, by: one.policyId ? names.policy(one.policyId) : "", isStruck: one.invalidatedAt !== null };
    case "APPEAL":
      return { ...line, title: say("tAppeal"), quote: one.reason, by: one.actionIds.map(names.action).join(", "), isStruck: one.invalidatedAt !== null };
    case "RULE":
      return { ...line, title: say("tRule", { name: one.rules.map((rule) => rule.name).join(", ") }), by: [names.itemType(one.item.typeId), one.rules.every((rule) => rule.status === "BACKGROUND") ? say("background") : ""].filter(Boolean).join(" · "), isStruck: one.takenBack.length > 0 };
    case "STRIKE":
      return { ...line, title: one.delta > 0 ? say("tStrike", { delta: one.delta }) : say("tStrikeDown"), by: [say("tStrikeTotal", { total: one.total }), one.policyId ? names.policy(one.policyId) : ""].filter(Boolean).join(" · "), level: "medium" };
    case "NOTE":
      return { ...line, title: say("tNote"), quote: one.text ?? say("removed"), by: one.author?.name ?? "", isStruck: one.deletedAt !== null };
    case "COMMENT":
      return { ...line, title: say("tComment"), quote: one.text, by: one.author?.name ?? "" };
    case "DELIVERY":
      return { ...line, title: say(one.state === "DELIVERED" ? "tDelivered" : one.state === "DEAD" ? "tDead" : "tPending", { name: names.action(one.actionId) }), by: one.error ?? "", level: one.state === "DELIVERED" ? "done" : one.state === "DEAD" ? "severe" : null };
  }
}
