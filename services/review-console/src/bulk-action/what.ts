/** What a bulk action does, in the words of the organisation. */
import type { Names } from "@/configuration/names";
import { useWords } from "@/words/words";

import type { Bulk } from "./query";
import { words } from "./words";

export function useWhat(names: Names): (one: Bulk) => string {
  const say = useWords(words);
  return (one) => {
    if (one.reversalOf) return `${say("reversal")}: ${say(`of_${one.reversalOf.kind}`)}`;
    const type = one.itemTypeId === null ? "" : ` · ${names.itemType(one.itemTypeId)}`;
    return `${one.actionIds.map(names.action).join(", ")}${type}`;
  };
}
