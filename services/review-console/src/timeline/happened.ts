/** What happened to a subject, each as a line. */
import { IconBolt, IconCircleDashed, IconFlag3, IconGavel, IconMessage, IconNote, IconPlayerPause, IconSend, IconUpload, type TablerIcon } from "@tabler/icons-react";

import type { Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import type { Level } from "@/look/severity";
import type { Say } from "@/words/words";

import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;
export type Happening = Schema["TimelineView"]["items"][number];
export type Kind = Happening["kind"];
export type Chip = "all" | "decisions" | "reportsChip" | "rules" | "notes";

/** What each chip shows; `all` without what was merely sent, which an author does all day. */
export const KINDS_OF: Readonly<Record<Chip, readonly Kind[]>> = {
  all: ["REPORT", "RULE", "DECISION", "APPEAL", "KEEPING", "STRIKE", "NOTE", "COMMENT", "DELIVERY"],
  decisions: ["DECISION", "APPEAL", "STRIKE", "DELIVERY"],
  reportsChip: ["REPORT"],
  rules: ["RULE"],
  notes: ["NOTE", "COMMENT"],
};

export const ICONS: Readonly<Record<Kind, TablerIcon>> = {
  SUBMISSION: IconUpload,
  REPORT: IconFlag3,
  APPEAL: IconGavel,
  KEEPING: IconPlayerPause,
  RULE: IconBolt,
  DECISION: IconCircleDashed,
  STRIKE: IconCircleDashed,
  NOTE: IconNote,
  COMMENT: IconMessage,
  DELIVERY: IconSend,
};

export interface Line {
  readonly title: string;
  readonly quote: string | null;
  readonly by: string;
  readonly level: Level | null;
  readonly isStruck: boolean;
}

type Decided = (entry: Schema["DecisionLogEntry"]) => Line;

/** A decision is told by the log's own words: `decided`. Rules that matched together are a line each. */
export function linesOf(one: Happening, names: Names, say: Say<Key>, decided: Decided): Line[] {
  const line = { quote: null, by: "", level: null, isStruck: false };
  switch (one.kind) {
    case "DECISION":
      return [decided(one.decision)];
    case "SUBMISSION":
      return [{ ...line, title: say("sent"), by: names.itemType(one.item.typeId) }];
    case "REPORT":
      return [{ ...line, title: say("report", { name: one.reporter?.displayName ?? one.reporter?.id ?? say("somebody") }), quote: one.reason, by: one.policyId ? names.policy(one.policyId) : "", isStruck: one.invalidatedAt !== null }];
    case "APPEAL":
      return [{ ...line, title: say("appeal"), quote: one.reason, by: one.actionIds.map(names.action).join(", "), isStruck: one.invalidatedAt !== null }];
    case "KEEPING":
      return [{ ...line, title: one.keptAs === "ASSIGNED" ? say("assigned", { name: one.person?.name ?? say("unknownName") }) : say("held"), quote: one.reason, by: one.keptByPerson?.name ?? say("unknownName"), isStruck: one.endedAt !== null }];
    case "RULE":
      return one.rules.map((rule) => ({
        ...line,
        title: say("rule", { name: rule.name }),
        quote: rule.matchedValue,
        by: [`v${rule.revision}`, typeof rule.score === "number" ? say("score", { score: Math.round(rule.score * 100) / 100 }) : "", rule.status === "BACKGROUND" ? say("background") : ""].filter(Boolean).join(" · "),
        isStruck: one.takenBack.length > 0,
      }));
    case "STRIKE":
      return [{ ...line, title: one.delta > 0 ? say("strike", { delta: one.delta }) : say("strikeDown"), by: [say("strikeTotal", { total: one.total }), one.policyId ? names.policy(one.policyId) : ""].filter(Boolean).join(" · "), level: "medium" }];
    case "NOTE":
      return [{ ...line, title: say("note"), quote: one.text ?? say("removed"), by: one.author?.name ?? say("unknownName"), isStruck: one.deletedAt !== null }];
    case "COMMENT":
      return [{ ...line, title: say("comment"), quote: one.text, by: one.author?.name ?? say("unknownName") }];
    case "DELIVERY":
      return [{ ...line, title: say(one.state === "DELIVERED" ? "delivered" : one.state === "DEAD" ? "dead" : "pending", { name: names.action(one.actionId) }), by: one.error ?? "", level: one.state === "DELIVERED" ? "done" : one.state === "DEAD" ? "severe" : null }];
  }
}
