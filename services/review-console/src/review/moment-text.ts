/** Parts of a decision in words. */
import type { Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import type { Say } from "@/words/words";

import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;

export function componentText(component: Schema["DecisionLogEntry"]["components"][number], names: Names, say: Say<Key>): string {
  const actions = (component.actionIds ?? []).map(names.action).join(", ");
  if (!("type" in component)) return actions;
  switch (component.type) {
    case "IGNORE":
      return say("noViolation");
    case "ACCEPT_APPEAL":
      return say("acceptAppeal");
    case "REJECT_APPEAL":
      return say("rejectAppeal");
    case "MOVE":
      return say("tMove");
    case "ESCALATE_TO_NCMEC":
      return say("tEscalate");
    case "RELATED_ACTION":
      return say("relatedOn", { name: actions, count: component.items?.length ?? 0 });
    case "CUSTOM_ACTION":
      return actions;
    default:
      return say("tClosed");
  }
}
