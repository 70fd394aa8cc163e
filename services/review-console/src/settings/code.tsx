/** Something to paste into a terminal or a program, with a button that copies it. */
import { Button } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { useWords } from "@/words/words";

import classes from "./settings.module.css";
import { words } from "./words";

export function CopyButton({ text }: { text: string }) {
  const say = useWords(words);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <>
      <Button size="compact-xs" leftSection={<Icon size={14} aria-hidden="true" />} onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
        {say(copied ? "copied" : "copyCode")}
      </Button>
      {/* Beside it: what is announced is no part of a button's name. */}
      <span role="status" className="hidden">
        {copied ? say("copied") : null}
      </span>
    </>
  );
}

/** `label`: what it is, for whoever does not see it. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    // What scrolls has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={classes.code} tabIndex={0} role="region" aria-label={label}>
      <code>{text}</code>
    </pre>
  );
}
