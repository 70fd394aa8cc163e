/** Every number of a page of figures as one sheet: a line for each figure, name and bucket. */
import type { Sheet } from "@/chart/sheet";
import type { Say } from "@/words/words";

import { nameIn, type Answer, type Names } from "./answer";
import type { words } from "./words";

export function wholeSheet(figures: readonly (readonly [string, Answer])[], names: Names, say: Say<Extract<keyof typeof words.messages, string>>): Sheet {
  const nameOf = (answer: Answer, keys: readonly (string | null)[]) => keys.map((id, index) => (id === null ? "" : nameIn(names, answer.groupBy[index] ?? "", id))).join(", ");
  return {
    columns: [{ name: say("figure") }, { name: say("name") }, { name: say("start") }, { name: say("count"), numeric: true }],
    rows: figures.flatMap(([figure, answer]) => answer.series.flatMap((series) => answer.starts.map((start, at) => [figure, nameOf(answer, series.keys), start, series.counts[at] ?? null]))),
  };
}
