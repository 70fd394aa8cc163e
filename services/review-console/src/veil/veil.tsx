/**
 * The one veil: every picture, video frame and avatar that a platform sent is behind it.
 *
 *     <Veil medium={{ ref, kind: "image", caption, width, height }} load={load} jobKey={job.id} keyed />
 *
 * `load(ref, stage)` gives the bytes of a stage as a `Blob`; it is asked for a stage when somebody
 * chose it, never before: the veiled one comes veiled from the server.
 *
 * Guarantees: neither hover nor focus reveals anything; clear bytes are not requested before a
 * deliberate act, and are let go of with the stage; it veils itself again for the next job (`jobKey`),
 * when the tab is left, and after 20 s; sound never starts by itself.
 */
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconEyeOff } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";

import { asProblem } from "@/api/problem";
import { Problem } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import { coloured, further, isClear, reveiled, REVEIL_MS, STAGES, type Stage } from "./stage";
import classes from "./veil.module.css";
import { words } from "./words";

export interface Medium {
  readonly ref: string;
  readonly kind: "image" | "video" | "audio";
  readonly caption?: string | null;
  readonly width?: number | null;
  readonly height?: number | null;
}

export type LoadStage = (ref: string, stage: Exclude<Stage, "caption">, signal: AbortSignal) => Promise<Blob>;

interface Props {
  readonly medium: Medium;
  readonly load: LoadStage;
  /** Changes with the job: it is veiled again. */
  readonly jobKey: string;
  /** What it begins with; warning cards begin with the caption. */
  readonly first?: Stage;
  /** It has B, Shift B and C: one medium on a page. */
  readonly keyed?: boolean;
  readonly reveilAfter?: number;
  /** It was seen, and is no longer. */
  readonly onVeil?: (ref: string) => void;
}

export function Veil({ medium, load, jobKey, first = "veiled", keyed = false, reveilAfter = REVEIL_MS, onVeil }: Props) {
  const say = useWords(words);
  const [stage, setStage] = useStage(first, `${jobKey} ${medium.ref}`, reveilAfter);
  useCommand({ id: "veil.reveal", scope: "job", keys: "B", label: say("reveal"), enabled: keyed, run: () => setStage(further(stage)) });
  useCommand({ id: "veil.again", scope: "job", keys: "Shift+B", label: say("veilAgain"), enabled: keyed, run: () => setStage(reveiled(stage)) });
  useCommand({ id: "veil.colour", scope: "job", keys: "C", label: say("colourOnOff"), enabled: keyed, run: () => setStage(coloured(stage)) });
  const seen = isClear(stage);
  useEffect(() => (seen ? () => onVeil?.(medium.ref) : undefined), [seen, medium.ref, onVeil]);
  return (
    <figure className={classes.figure}>
      <div className="row g8">
        <SegmentedControl
          size="xs"
          aria-label={say("stage")}
          value={stage}
          onChange={(chosen) => setStage(chosen as Stage)}
          data={STAGES.map((one) => ({ value: one, label: say(one) }))}
        />
        <Button size="compact-sm" variant="subtle" onClick={() => setStage(reveiled(stage))} rightSection={keyed ? <Keys of="veil.again" fallback="Shift+B" /> : null}>
          {say("veilAgain")}
        </Button>
      </div>
      {stage === "caption" ? (
        <figcaption className={classes.caption}>{medium.caption ?? say("noCaption")}</figcaption>
      ) : (
        <Shown medium={medium} stage={stage} load={load} keyed={keyed} />
      )}
    </figure>
  );
}

function Shown({ medium, stage, load, keyed }: { medium: Medium; stage: Exclude<Stage, "caption">; load: LoadStage; keyed: boolean }) {
  const say = useWords(words);
  // Grey and colour are the same bytes; the reveal is what is asked for, and counted.
  const asked = isClear(stage) ? "grey" : "veiled";
  const { data, error, refetch } = useQuery({
    queryKey: ["medium", medium.ref, stage === "colour" ? "colour" : asked],
    queryFn: ({ signal }) => load(medium.ref, stage, signal),
    staleTime: Infinity,
    gcTime: isClear(stage) ? 0 : 60_000,
  });
  const url = useObjectUrl(data);
  const caption = medium.caption ?? "";
  const ratio = medium.width && medium.height ? `${medium.width} / ${medium.height}` : "3 / 2";
  if (error) return asProblem(error)?.status === 404 ? <p className={classes.caption}>{say("gone")}</p> : <Problem error={error} again={() => void refetch()} />;
  return (
    <div className={classes.veil} style={{ aspectRatio: ratio }} data-stage={stage}>
      {url === null ? null : medium.kind === "image" || stage === "veiled" || data?.type.startsWith("image/") ? (
        <img src={url} alt={say(isClear(stage) ? "clearAlt" : "veiledAlt", { kind: medium.kind, caption })} />
      ) : medium.kind === "video" ? (
        <video src={url} controls muted playsInline preload="metadata" controlsList="nodownload" />
      ) : (
        // What platforms send has no captions.
        // eslint-disable-next-line jsx-a11y/media-has-caption
        <audio src={url} controls preload="metadata" controlsList="nodownload" />
      )}
      {stage === "veiled" ? (
        <span className={classes.tag}>
          <IconEyeOff className="icon" aria-hidden="true" />
          {say("veiledHere")}
          {keyed ? (
            <>
              <Keys of="veil.reveal" fallback="B" />
              {say("toLook")}
            </>
          ) : null}
        </span>
      ) : null}
    </div>
  );
}

function useStage(first: Stage, key: string, reveilAfter: number): [Stage, (stage: Stage) => void] {
  const [state, setState] = useState({ key, stage: first, at: 0 });
  const stage = state.key === key ? state.stage : first;
  const set = (chosen: Stage) => setState((before) => ({ key, stage: chosen, at: before.at + 1 }));
  useEffect(() => {
    if (!isClear(stage)) return undefined;
    const veil = () => setState((before) => ({ ...before, stage: "veiled" }));
    const hidden = () => {
      if (document.visibilityState === "hidden") veil();
    };
    const timer = setTimeout(veil, reveilAfter);
    window.addEventListener("blur", veil);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("blur", veil);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, [stage, state.at, reveilAfter]);
  return [stage, set];
}

/** An address for a blob, let go of with it. */
function useObjectUrl(blob: Blob | undefined): string | null {
  const url = useMemo(() => (blob ? URL.createObjectURL(blob) : null), [blob]);
  useEffect(() => (url === null ? undefined : () => URL.revokeObjectURL(url)), [url]);
  return url;
}
