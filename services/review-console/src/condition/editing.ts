/** What every part of the editor knows: the tree, what may be chosen, what was found about it. */
import { createContext, use } from "react";

import type { InputChoice, Signal } from "./choice";
import type { Changed, Part, Path } from "./edit";
import type { Node } from "./tree";

export interface BankChoice {
  readonly id: string;
  readonly name: string;
  readonly count: number | null;
}
export interface Banks {
  readonly texts: readonly BankChoice[];
  readonly places: readonly BankChoice[];
  readonly hashes: readonly BankChoice[];
}

export interface Editing {
  readonly choices: readonly InputChoice[];
  /** Those that a rule of this kind may have. */
  readonly signals: readonly Signal[];
  /** All there are: of a condition that has another one. */
  readonly signalNamed: (name: string | null) => Signal | null;
  readonly banks: Banks;
  readonly says: (part: Part) => string;
  /** At or below a place of a condition, as the server said; but those at one of `shown`. */
  readonly faultsAt: (path: Path, below?: string, shown?: readonly string[]) => string[];
  readonly found: ReadonlyMap<string, Node>;
  readonly replace: (path: Path, part: Part) => void;
  /** Another shape of the tree; the focus follows the part that was meant. */
  readonly shape: (change: (set: Changed["set"]) => Changed) => void;
}

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = use(EditingContext);
  if (editing === null) throw new Error("a part of the editor stands outside of it");
  return editing;
}
