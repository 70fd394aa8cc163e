/**
 * An id: shortened in the middle, whole in its title and on the clipboard.
 */
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { useWords } from "@/words/words";

import classes from "./control.module.css";
import { words } from "./words";

export function shortened(id: string): string {
  return id.length <= 13 ? id : `${id.slice(0, 6)}…${id.slice(-4)}`;
}

export function IdChip({ id, whole = false }: { id: string; whole?: boolean }) {
  return <CopyChip text={id} shown={whole ? id : shortened(id)} />;
}

/** Anything that is copied by pressing on it. */
export function CopyChip({ text, shown }: { text: string; shown: string }) {
  const say = useWords(words);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard.writeText(text.trim()).then(() => setCopied(true));
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <button type="button" className={classes.id} title={text} aria-label={say("copy", { what: shown })} onClick={copy}>
      {shown}
      <Icon size={14} stroke={1.75} aria-hidden="true" />
      <span role="status" className="hidden">
        {copied ? say("copied") : null}
      </span>
    </button>
  );
}
