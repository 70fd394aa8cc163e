/** What a routing rule asks, as a sentence, with policies, types and queues by their names. */
import { useNames } from "@/configuration/names";
import { useAsks } from "@/rule/parts";

import { named, type ConditionSet } from "./routing";

/** What an id in a condition stands for; null: it is none that is known. */
export function useNamedIds(): (id: string) => string | null {
  const names = useNames();
  const isKnown = (list: readonly { readonly id: string }[], id: string) => list.some((one) => one.id === id);
  return (id) => (isKnown(names.policies, id) ? names.policy(id) : isKnown(names.itemTypes, id) ? names.itemType(id) : isKnown(names.queues, id) ? names.queue(id) : null);
}

export function useNamedAsks(): (rule: { readonly conditionSet: ConditionSet }) => string {
  const asks = useAsks();
  const byName = useNamedIds();
  return ({ conditionSet }) => asks({ conditionSet: named(conditionSet, byName) });
}
