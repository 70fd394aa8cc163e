/** Conditions that were evaluated: each in words, with what it found and how strongly. */
import { IconCheck, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { Schema } from "@/api/client";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./condition.module.css";
import { words } from "./words";

export type Node = Schema["ConditionNodeView"];

/** The conditions of a tree in their order, each with what joins it to the one before. */
export function leavesOf(node: Node | null | undefined, joint = "AND"): { node: Node; joint: string }[] {
  if (!node) return [];
  const parts = node.conditions ?? [];
  if (parts.length === 0) return node.condition || node.says ? [{ node, joint }] : [];
  return parts.flatMap((one, index) => leavesOf(one, index === 0 ? joint : (node.conjunction ?? "AND")));
}

/** The word between two conditions, with the spaces around it. */
export function Joint({ of }: { of: string }): ReactNode {
  const say = useWords(words);
  return ` ${say(joiner(of))} `;
}

export function joiner(conjunction: string) {
  return ({ AND: "and", OR: "or", XOR: "xor", NOT: "not" } as const)[conjunction as "AND"] ?? "and";
}

export function Tree({ node }: { node: Node | null | undefined }): ReactNode {
  if (!node) return null;
  const parts = node.conditions ?? [];
  if (parts.length === 0) return <div>{<Leaf node={node} />}</div>;
  return (
    <div className={classes.tree}>
      {parts.map((one, index) => (
        <div key={one.path}>
          {index > 0 ? <span className="dim t12"><Joint of={node.conjunction ?? "AND"} /></span> : null}
          <Tree node={one} />
        </div>
      ))}
    </div>
  );
}

export function Leaf({ node }: { node: Node }) {
  const say = useWords(words);
  const threshold = node.condition?.threshold;
  const score = node.score;
  const isShare = typeof score === "number" && typeof threshold === "number" && score >= 0 && score <= 1 && threshold <= 1;
  const found = node.matchedValue;
  return (
    <>
      <span className={classes.cond} data-outcome={node.outcome}>
        {node.outcome === "PASSED" ? <IconCheck size={13} className="done" aria-hidden="true" /> : node.outcome === "FAILED" ? <IconX size={13} aria-hidden="true" /> : null}
        {node.says ?? node.path}
      </span>
      {isShare ? (
        <>
          <span className={classes.scorebar} aria-hidden="true">
            <i style={{ width: `${score * 100}%` }} />
            <u style={{ insetInlineStart: `${threshold * 100}%` }} />
          </span>
          <b className="tnum">{Math.round(score * 100) / 100}</b>
        </>
      ) : null}
      {found ? (
        <span className="dim user-text">
          {" "}
          <VeiledWords>{say("found", { value: found })}</VeiledWords>
        </span>
      ) : null}
    </>
  );
}

