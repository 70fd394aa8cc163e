/** What can be done where no job says it: to second reviews, and to many jobs at once. */
import type { Names } from "@/configuration/names";
import type { Session } from "@/session/session";

import type { Offers } from "./entered";

/** The actions that fit every one of these types and that the queue does not hide, as jobs are offered
 * them; and what the organisation asks for. */
export function offersOf(itemTypeIds: readonly string[], queueId: string, names: Pick<Names, "actions" | "itemTypes" | "queues">, org: Session["org"]): Offers {
  const hidden = new Set(names.queues.find((one) => one.id === queueId)?.hiddenActionIds ?? []);
  const fits = (action: Names["actions"][number], typeId: string): boolean => {
    const kind = names.itemTypes.find((one) => one.id === typeId)?.kind;
    return (action.itemTypeIds ?? []).includes(typeId) || (kind !== undefined && (action.appliesToAllItemsOfKind ?? []).includes(kind));
  };
  const fitting = names.actions.filter((one) => one.actionType === "CUSTOM_ACTION" && itemTypeIds.length > 0 && itemTypeIds.every((id) => fits(one, id)));
  return {
    actions: fitting.map((one) => ({ id: one.id, name: one.name, hidden: hidden.has(one.id), parameters: (one.parameters ?? []).length > 0, penalty: one.penalty ?? "NONE", target: "ITEM" as const })),
    escalate: { ok: false },
    moveTo: [],
    reverse: null,
    skip: { ok: true },
    rules: {
      policyRequired: org.requiresPolicyForDecisions,
      reasonRequired: org.requiresDecisionReason,
      reasonRequiredOnIgnore: org.requiresDecisionReasonOnIgnore,
      severalPolicies: org.allowMultiplePoliciesPerAction,
    },
  };
}
