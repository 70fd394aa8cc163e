/**
 * The words that a film or a sound brings along.
 *
 * The browser reads them itself, as captions of what is played: they are over a film while it plays.
 */
import { useEffect, useRef, useState, type RefObject } from "react";

export interface Cue {
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Captions {
  readonly state: "LOOKING" | "UNKNOWN" | "FOUND";
  readonly cues: readonly Cue[];
}

const NOTHING: readonly Cue[] = [];

/** Beside where it is played, by the same reveal. */
export function captionsAddress(played: string): string {
  return played.replace("part=stream", "part=captions");
}

/** For the `track` that has the reference. */
export function useCaptions(): { track: RefObject<HTMLTrackElement | null>; captions: Captions } {
  const track = useRef<HTMLTrackElement>(null);
  const [captions, setCaptions] = useState<Captions>({ state: "LOOKING", cues: NOTHING });
  useEffect(() => {
    const node = track.current;
    if (!node) return undefined;
    const read = () => setCaptions({ state: "FOUND", cues: Array.from(node.track.cues ?? [], cueOf) });
    const fail = () => setCaptions({ state: "UNKNOWN", cues: NOTHING });
    node.addEventListener("load", read);
    node.addEventListener("error", fail);
    return () => {
      node.removeEventListener("load", read);
      node.removeEventListener("error", fail);
    };
  }, []);
  return { track, captions };
}

function cueOf(cue: TextTrackCue): Cue {
  const { startTime, endTime } = cue;
  return { start: startTime, end: endTime, text: "getCueAsHTML" in cue ? ((cue as VTTCue).getCueAsHTML().textContent ?? "") : "" };
}
