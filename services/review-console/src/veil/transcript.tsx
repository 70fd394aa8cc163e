/**
 * What is said in a film or a sound, to be read before it is heard, or instead.
 *
 * Guarantees: its line keeps its place while nobody knows whether there are words, and where there are
 * none; a line of it that is chosen is where the film goes, which does not play by that.
 */
import { Button } from "@mantine/core";
import { useId, useState } from "react";

import { Keys, useCommand } from "@/key/keys";
import type { Scope } from "@/key/registry";
import { clockOf } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Captions } from "./captions";
import classes from "./veil.module.css";
import { words } from "./words";

interface Props {
  readonly captions: Captions;
  readonly kind: "video" | "audio";
  /** Where it is, in seconds. */
  readonly at: number;
  readonly goTo: (seconds: number) => void;
  readonly keyed: boolean;
  readonly scope: Scope;
}

export function Transcript({ captions: { state, cues }, kind, at, goTo, keyed, scope }: Props) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const list = useId();
  const some = cues.length > 0;
  useCommand({ id: "veil.transcript", scope, keys: "Q", label: say("transcriptKey"), enabled: keyed && some, run: () => setOpen(!isOpen) });
  return (
    <div className={classes.transcript}>
      <div className={classes.transcriptLine}>
        {some ? (
          <Button size="compact-sm" variant="default" aria-expanded={isOpen} aria-controls={list} onClick={() => setOpen(!isOpen)} rightSection={keyed ? <Keys of="veil.transcript" fallback="Q" /> : null}>
            {say("transcript", { open: String(isOpen), count: cues.length })}
          </Button>
        ) : (
          <span>{say("noTranscript", { state, kind })}</span>
        )}
      </div>
      {isOpen && some ? (
        <ol id={list} className={classes.said} aria-label={say("transcriptOf", { kind })}>
          {cues.map((cue) => (
            <li key={`${cue.start} ${cue.text}`} data-now={at >= cue.start && at < cue.end ? "" : undefined}>
              <button type="button" onClick={() => goTo(cue.start)}>
                <time className="tnum">{clockOf(Math.floor(cue.start) * 1000)}</time>
                <bdi>{cue.text}</bdi>
              </button>
            </li>
          ))}
        </ol>
      ) : null}
    </div>
  );
}
