/** What became of a report, as glyph and word. */
import { IconCheck } from "@tabler/icons-react";

import { Severity } from "@/look/severity";
import { useWords } from "@/words/words";

import type { Tip } from "./query";
import { words } from "./words";

export function TipState({ tip }: { tip: Tip }) {
  const say = useWords(words);
  if (tip.destroyedAt) return <span className="dim">{say("stateDestroyed")}</span>;
  if (tip.state === "NEEDS_ATTENTION") return <Severity level="severe">{say("stateAttention")}</Severity>;
  if (tip.isPaused) return <Severity level="high">{say("statePaused")}</Severity>;
  if (tip.filedAt) {
    return (
      <span className="done row g4">
        <IconCheck size={16} aria-hidden="true" />
        {say(tip.state === "DONE" ? "stateDone" : "stateFiled")}
      </span>
    );
  }
  return <span>{say("stateOpen", { state: tip.state })}</span>;
}

/** A word alone; what is real is bold. */
export function Environment({ of }: { of: Tip["environment"] }) {
  const say = useWords(words);
  return of === "PRODUCTION" ? <b>{say("production")}</b> : <span className="dim">{say("test")}</span>;
}
