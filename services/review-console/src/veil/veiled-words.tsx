/**
 * What people wrote behind a bar, for whoever chose that: all of it is lifted with one key, and veiled
 * again by the same events as media.
 *
 *     <WordsVeil jobKey={job.id} wellness={session.wellness}> <WordsBar /> … <VeiledWords>{text}</VeiledWords> … </WordsVeil>
 *
 * Guarantees: without that choice it is plain text; veiled words are neither selected nor read aloud,
 * nor told by a tip (`useWordsShown`); the bar is where its page puts it, and its key works everywhere
 * within the veil.
 */
import { IconEyeOff } from "@tabler/icons-react";
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import { onVeilAll } from "./again";
import classes from "./veil.module.css";
import { words } from "./words";

interface Choice {
  readonly veilText: boolean;
  readonly veilAfter: number;
}

interface State {
  readonly isVeiling: boolean;
  readonly isLifted: boolean;
  readonly toggle: () => void;
}

const OPEN: State = { isVeiling: false, isLifted: true, toggle: () => undefined };
const Words = createContext(OPEN);

export function WordsVeil({ jobKey, wellness, children }: { jobKey: string; wellness: Choice; children: ReactNode }) {
  const say = useWords(words);
  const { veilText, veilAfter } = wellness;
  const [liftedFor, setLiftedFor] = useState<string | null>(null);
  const isLifted = liftedFor === jobKey;
  const state = useMemo((): State => ({ isVeiling: veilText, isLifted: !veilText || isLifted, toggle: () => setLiftedFor(isLifted ? null : jobKey) }), [veilText, isLifted, jobKey]);
  useCommand({ id: "veil.words", scope: "job", keys: "W", label: say("wordsKey"), enabled: veilText, run: state.toggle });
  useEffect(() => {
    if (!veilText || !isLifted) return undefined;
    const veil = () => setLiftedFor(null);
    const timer = veilAfter > 0 ? setTimeout(veil, veilAfter * 1000) : undefined;
    const off = onVeilAll(veil);
    window.addEventListener("blur", veil);
    return () => {
      clearTimeout(timer);
      off();
      window.removeEventListener("blur", veil);
    };
  }, [veilText, isLifted, veilAfter]);
  return <Words value={state}>{children}</Words>;
}

/** Lifts the veil, and says whether it is lifted; nothing for whoever veils no words. */
export function WordsBar() {
  const say = useWords(words);
  const { isVeiling, isLifted, toggle } = useContext(Words);
  if (!isVeiling) return null;
  return (
    <button type="button" className={classes.wordsbar} aria-pressed={isLifted} onClick={toggle}>
      <IconEyeOff size={14} aria-hidden="true" />
      {say(isLifted ? "wordsAgain" : "wordsShow")}
      <Keys of="veil.words" fallback="W" />
    </button>
  );
}

/** False: they may stand in no title, label or other place that tells them. */
export function useWordsShown(): boolean {
  return useContext(Words).isLifted;
}

export function VeiledWords({ children }: { children: ReactNode }) {
  return useWordsShown() ? children : <BarredWords>{children}</BarredWords>;
}

/** Behind the bar, where nothing lifts it. */
export function BarredWords({ children }: { children: ReactNode }) {
  const say = useWords(words);
  return (
    <>
      <span className="hidden">{say("wordsVeiled")}</span>
      <span className={classes.words} aria-hidden="true">
        {children}
      </span>
    </>
  );
}
