/** What a routing rule asks, as a sentence, with policies, types and queues by their names. */
import { useNames } from "@/configuration/names";
import { useAsks } from "@/rule/parts";

import { named, type ConditionSet } from "./routing";

export function useNamedAsks(): (rule: { readonly conditionSet: ConditionSet }) => string {
  const asks = useAsks();
  const names = useNames();
  const isKnown = (list: readonly { readonly id: string }[], id: string) => list.some((one) => one.id === id);
  const called = (id: string) => (isKnown(names.policies, id) ? names.policy(id) : isKnown(names.itemTypes, id) ? names.itemType(id) : isKnown(names.queues, id) ? names.queue(id) : null);
  return ({ conditionSet }) => asks({ conditionSet: named(conditionSet, called) });
}
