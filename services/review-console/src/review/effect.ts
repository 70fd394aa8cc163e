/** What a decision will do, in words; and whether its actions have all they need. */
import type { Names } from "@/configuration/names";
import type { Say } from "@/words/words";

import { typeOf, type Action, type Context } from "./context";
import { acts, sameItem, type Entered } from "./entered";
import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;

/** An action lacks a parameter that it requires. */
export function incompleteIn(entered: Entered, actions: readonly Action[]): boolean {
  const chosen = [...entered.actionIds, ...entered.related.map((one) => one.actionId)];
  return chosen.some((id) =>
    actions
      .find((one) => one.id === id)
      ?.parameters?.some((one) => {
        const value = entered.parameters[id]?.[one.name] ?? one.defaultValue ?? "";
        return one.required && (value === "" || (Array.isArray(value) && value.length === 0));
      }),
  );
}

export function effectOf(entered: Entered, context: Context, names: Names, say: Say<Key>, length: "short" | "long"): string {
  const kind = typeOf(context.types, context.item)?.name.toLocaleLowerCase() ?? "";
  const done = [
    ...entered.actionIds.map((id) => say("onWhat", { action: names.action(id), what: say("theItem", { kind }) })),
    ...entered.related.map((one) => say("onWhat", { action: names.action(one.actionId), what: whom(one.items, context, say) })),
  ];
  const parts: string[] = [];
  if (entered.verdict === "IGNORE") parts.push(length === "short" ? say("noViolation") : say("effectIgnore", { kind }));
  if (entered.verdict === "ACCEPT_APPEAL") parts.push(length === "short" ? say("acceptAppeal") : say("effectAccept", { reverse: String(entered.reverseActions) }));
  if (entered.verdict === "REJECT_APPEAL") parts.push(length === "short" ? say("rejectAppeal") : say("effectReject"));
  if (entered.verdict === "MOVE" && entered.moveTo) parts.push(say("effectMove", { queue: names.queue(entered.moveTo) }));
  if (entered.verdict === "SUBMIT_NCMEC_REPORT") parts.push(say("effectReport"));
  if (entered.verdict === "ESCALATE_TO_NCMEC") parts.push(say("effectEscalate"));
  if (done.length > 0) parts.push(length === "short" ? done.join(", ") : say("effectAct", { actions: done.join(", ") }));
  if (length === "short") return parts.join(" · ");
  const strikes = Math.max(0, ...entered.policyIds.map((id) => names.policies.find((one) => one.id === id)?.userStrikeCount ?? 0));
  const counts = [...entered.actionIds, ...entered.related.map((one) => one.actionId)].some((id) => names.actions.find((one) => one.id === id)?.applyUserStrikes);
  if (acts(entered) && counts && strikes > 0) parts.push(say("effectStrike", { count: strikes }));
  return parts.join(" ");
}

function whom(items: Entered["related"][number]["items"], context: Context, say: Say<Key>): string {
  const [first] = items;
  const author = context.author;
  return items.length === 1 && first && author && sameItem(first, author) ? say("theAuthor") : say("items", { count: items.length });
}
