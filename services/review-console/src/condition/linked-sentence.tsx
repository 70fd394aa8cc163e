/** A condition set as a sentence of which each part leads to its condition. */
import type { ReactNode } from "react";

import { useWords } from "@/words/words";

import { pointerOf, type Path } from "./edit";
import classes from "./linked-sentence.module.css";
import { clauseOf, isSet, type Called, type Condition, type ConditionSet } from "./sentence";
import { words } from "./words";

interface Props {
  readonly set: ConditionSet;
  readonly called: Called;
  /** Pointers below the set at which something is wrong. */
  readonly faults: readonly string[];
}

export function LinkedSentence({ set, called, faults }: Props): ReactNode {
  const say = useWords(words);
  if (set.conditions.length === 0) return <span className="dim">{say("none")}</span>;
  const joined = (of: ConditionSet, path: Path): ReactNode => {
    const joint = say(({ AND: "and", OR: "or", XOR: "xor", NOT: "or" } as const)[of.conjunction]);
    const parts = of.conditions.map((one, index) => {
      const at: Path = [...path, index];
      const inside = isSet(one) ? joined(one, at) : <Clause condition={one} at={pointerOf(at)} called={called} isFaulty={isIn(faults, pointerOf(at))} />;
      const isBracketed = isSet(one) && one.conjunction !== "NOT" && one.conditions.length > 1;
      return (
        <span key={index}>
          {index > 0 ? ` ${joint} ` : null}
          {isBracketed ? say.rich("group", { inside }) : inside}
        </span>
      );
    });
    return of.conjunction === "NOT" ? say.rich("negated", { inside: <>{parts}</> }) : parts;
  };
  return joined(set, []);
}

function isIn(faults: readonly string[], at: string): boolean {
  return faults.some((one) => one === at || one.startsWith(`${at}/`));
}

function Clause({ condition, at, called, isFaulty }: { condition: Condition; at: string; called: Called; isFaulty: boolean }) {
  const say = useWords(words);
  return (
    <button type="button" className={classes.clause} data-faulty={isFaulty || undefined} onClick={() => [...document.querySelectorAll<HTMLElement>("[data-at]")].find((one) => one.dataset.at === at)?.focus()}>
      {isFaulty ? "▲ " : null}
      {clauseOf(condition, called, say)}
    </button>
  );
}
