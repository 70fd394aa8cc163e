/** A change in words: bold from fifteen per cent, never a colour, because more is not better or worse. */
import { useWords } from "@/words/words";

import { changeOf, signed } from "./change";
import { words } from "./words";

export function ChangeCell({ now, before }: { now: number | null; before: number | null }) {
  const text = useChange();
  const change = changeOf(now, before);
  const isLarge = change.kind === "new" || (change.kind === "percent" && change.isLarge);
  return isLarge ? <b>{text(now, before)}</b> : <span className="dim">{text(now, before)}</span>;
}

export function useChange(): (now: number | null, before: number | null, digits?: number) => string {
  const say = useWords(words);
  return (now, before, digits = 0) => {
    const change = changeOf(now, before);
    if (change.kind === "none") return "";
    return change.kind === "new" ? say("isNew") : say("percent", { value: signed(change.value, digits) });
  };
}
