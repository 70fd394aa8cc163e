/** What happened around a job, each as a line of the timeline. */
import { IconBolt, IconFlag3, IconGavel, IconMessage, IconNote, IconSend, type TablerIcon } from "@tabler/icons-react";

import type { Schema } from "@/api/client";
import { levelOf, type Level } from "@/look/severity";
import type { Say } from "@/words/words";

import { componentText } from "./moment-text";
import type { Names } from "./names";
import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;
export type Happening = Schema["TimelineView"]["items"][number];
export type Chip = "all" | "decisions" | "reportsChip" | "rules" | "notes";

/** What each chip shows. What was merely sent stays out of it: an author sends all day. */
export const KINDS_OF: Readonly<Record<Chip, readonly Happening["kind"][]>> = {
  all: ["REPORT", "RULE", "DECISION", "APPEAL", "STRIKE", "NOTE", "COMMENT", "DELIVERY"],
  decisions: ["DECISION", "APPEAL", "STRIKE"],
  reportsChip: ["REPORT"],
  rules: ["RULE"],
  notes: ["NOTE", "COMMENT"],
};

export interface Happened {
  readonly id: string;
  readonly at: string;
  readonly title: string;
  readonly quote: string | null;
  readonly by: string;
  readonly level?: Level;
  readonly icon?: TablerIcon;
  readonly undone?: boolean;
}

export function happenedOf(one: Happening, names: Names, say: Say<Key>): Happened[] {
  const base = { id: [one.kind, one.id, "item" in one ? one.item.id : ""].join(" "), at: one.time, quote: null, by: "" };
  switch (one.kind) {
    case "SUBMISSION":
      return [];
    case "REPORT":
      return [{ ...base, title: say("tReport", { name: one.reporter?.displayName ?? one.reporter?.id ?? say("somebody") }), quote: one.reason, by: one.policyId ? names.policy(one.policyId) : "", icon: IconFlag3, undone: one.invalidatedAt !== null }];
    case "APPEAL":
      return [{ ...base, title: say("tAppeal"), quote: one.reason, by: one.actionIds.map(names.action).join(", "), icon: IconGavel, undone: one.invalidatedAt !== null }];
    case "RULE":
      return one.rules.map((rule) => ({
        ...base,
        id: `${base.id} ${rule.id}`,
        title: say("tRule", { name: rule.name }),
        quote: rule.matchedValue,
        by: [`v${rule.revision}`, typeof rule.score === "number" ? say("score", { score: Math.round(rule.score * 100) / 100 }) : "", rule.status === "BACKGROUND" ? say("tBackground") : ""].filter(Boolean).join(" · "),
        icon: IconBolt,
      }));
    case "DECISION":
      return [decided(one.decision, base, names, say)];
    case "STRIKE":
      return [{ ...base, title: one.delta > 0 ? say("tStrike", { delta: one.delta }) : say("tStrikeDown"), by: [say("tStrikeTotal", { total: one.total }), one.policyId ? names.policy(one.policyId) : ""].filter(Boolean).join(" · "), level: "medium" }];
    case "NOTE":
      return [{ ...base, title: say("tNote"), quote: one.text ?? say("tDeleted"), by: one.author?.name ?? say("unknownName"), icon: IconNote, undone: one.deletedAt !== null }];
    case "COMMENT":
      return [{ ...base, title: say("tComment"), quote: one.text, by: one.author?.name ?? say("unknownName"), icon: IconMessage }];
    case "DELIVERY":
      return one.state === "DELIVERED" ? [] : [{ ...base, title: say(one.state === "DEAD" ? "tDead" : "tPending", { name: names.action(one.actionId) }), by: one.error ?? "", icon: IconSend }];
  }
}

const RANKS = ["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"];

function decided(one: Schema["DecisionLogEntry"], base: Omit<Happened, "title">, names: Names, say: Say<Key>): Happened {
  const parts = one.components.map((part) => componentText(part, names, say)).filter(Boolean);
  const ids = one.components.flatMap((part) => part.actionIds ?? []);
  const penalties = ids.map((id) => names.actions.find((action) => action.id === id)?.penalty ?? "NONE");
  const policies = one.components.flatMap((part) => part.policyIds ?? []).map(names.policy);
  const title = parts.join(", ") || one.executions.map((execution) => names.action(execution.actionId)).join(", ") || say(one.kind === "SKIP" ? "tSkip" : one.kind === "RELEASE" ? "tRelease" : "tClosed");
  return {
    ...base,
    title,
    quote: one.reason ?? null,
    by: [one.actor?.name ?? say("automatic"), ...policies.slice(0, 1)].join(" · "),
    level: levelOf(penalties.toSorted((a, b) => RANKS.indexOf(b) - RANKS.indexOf(a))[0] ?? "NONE"),
    undone: one.undoneAt !== null || one.takenBack.length > 0,
  };
}
