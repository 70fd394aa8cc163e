/**
 * The one veil: every picture, video frame and avatar that a platform sent is behind it.
 *
 *     <Veil medium={{ ref, kind: "image", caption, width, height }} load={load} flashesOf={flashesOf}
 *       jobKey={job.id} keyed wellness={session.wellness} />
 *
 * `load(ref, stage)` gives the bytes of a stage as a `Blob`, or the address from which a film or sound
 * is played; it is asked for a stage when somebody chose it, never before: the veiled one comes veiled
 * from the server, as strongly as this person wants it. `flashesOf(ref)` says whether a film flashes; it
 * is asked from its frames on, so that the answer is there before it is played.
 *
 * Guarantees: neither hover nor focus reveals anything; clear bytes are not requested before a
 * deliberate act, and are let go of with the stage; it veils itself again for the next job (`jobKey`),
 * when the tab is left, on stepping away, and after the person's time; sound never starts by itself; the
 * full view shows the stage that there is, and goes no further.
 */
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconEyeOff, IconMaximize } from "@tabler/icons-react";
import { Suspense, useEffect, useState, type ReactNode } from "react";

import type { Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { shouldRetry } from "@/api/query";
import { whenQuiet } from "@/api/quiet";
import { Dialog } from "@/control/dialog";
import { later } from "@/control/later";
import { Pane, Problem } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import { useAddress } from "./address";
import { onVeilAll } from "./again";
import { useFlashes, type Flashes, type FlashesOf } from "./flash";
import { coloured, further, isClear, reveiled, stagesOf, type Kind, type Stage } from "./stage";
import classes from "./veil.module.css";
import { words } from "./words";

// What is looked at clear is no part of the page, and there before the first look.
const Picture = later(() => import("./picture"));
const Player = later(() => import("./player"));

export interface Medium {
  readonly ref: string;
  readonly kind: Kind;
  readonly caption?: string | null;
  readonly width?: number | null;
  readonly height?: number | null;
  /** What the server found: why it cannot be shown. */
  readonly state?: Schema["MediaFactsView"]["state"] | null;
  /** Of child safety: grey first whatever is chosen, and never to be saved. */
  readonly isGrave?: boolean;
}

export type Shows = Exclude<Stage, "caption">;
export type LoadStage = (ref: string, stage: Shows, signal: AbortSignal) => Promise<Blob | string>;
export type Wellness = Pick<Schema["WellnessView"], "blurLevel" | "grayscale" | "sepia" | "muteVideo" | "muteAudio" | "veilAfter">;

interface Props {
  readonly medium: Medium;
  readonly load: LoadStage;
  readonly flashesOf: FlashesOf;
  readonly wellness: Wellness;
  /** Changes with the job: it is veiled again. */
  readonly jobKey: string;
  /** What it begins with; warning cards begin with the caption. */
  readonly first?: Stage;
  /** It has B, Shift B and C: one medium on a page. */
  readonly keyed?: boolean;
  /** It was seen, and is no longer. */
  readonly onVeil?: (ref: string) => void;
  /** In the line of its controls, and beside it: what is known of it, so that looking can be spared. */
  readonly title?: ReactNode;
  readonly aside?: ReactNode;
}

export function Veil({ medium, load, flashesOf, wellness, jobKey, first = "veiled", keyed = false, onVeil, title, aside }: Props) {
  const say = useWords(words);
  const { kind, isGrave = false } = medium;
  const stages = stagesOf(kind, isGrave || wellness.grayscale || wellness.sepia);
  const [isShown, setShown] = useState(false);
  const [stage, setStage] = useStage(first, `${jobKey} ${medium.ref}`, isShown ? wellness.veilAfter : 0);
  const [full, setFull] = useState(false);
  const scope = full ? "dialog" : "job";
  useCommand({ id: "veil.reveal", scope, keys: "B", label: say("reveal"), enabled: keyed, run: () => setStage(further(stage, stages)) });
  useCommand({ id: "veil.again", scope, keys: "Shift+B", label: say("veilAgain"), enabled: keyed, run: () => setStage(reveiled(stage)) });
  useCommand({ id: "veil.colour", scope, keys: "C", label: say("colourOnOff"), enabled: keyed, run: () => setStage(coloured(stage, stages)) });
  useCommand({ id: "veil.full", scope, keys: "F", label: say("fullView"), enabled: keyed && kind !== "audio", run: () => setFull(!full) });
  const seen = isClear(stage);
  const flashes = useFlashes(medium.ref, flashesOf, seen && kind === "video");
  useEffect(() => void fetchAhead(kind), [kind]);
  useEffect(() => (seen ? () => onVeil?.(medium.ref) : undefined), [seen, medium.ref, onVeil]);
  const content = (
    <figure className={classes.figure}>
      <div className={classes.row}>
        {full ? null : title}
        <SegmentedControl
          size="xs"
          className={full ? undefined : "end"}
          aria-label={say("stage")}
          value={stage}
          onChange={(chosen) => setStage(chosen as Stage)}
          data={stages.map((one) => ({ value: one, label: <StageName name={say(one, { kind })} of={keyed ? KEY_OF[one] : undefined} /> }))}
        />
        <Button size="compact-sm" variant="subtle" onClick={() => setStage(reveiled(stage))} rightSection={keyed ? <Keys of="veil.again" fallback="Shift+B" /> : null}>
          {say("veilAgain")}
        </Button>
        {kind === "audio" || full ? null : (
          <Button size="compact-sm" variant="subtle" aria-label={say("fullView")} title={say("fullView")} onClick={() => setFull(true)} rightSection={keyed ? <Keys of="veil.full" fallback="F" /> : null}>
            <IconMaximize size={14} aria-hidden="true" />
          </Button>
        )}
      </div>
      <div className={aside && !full ? classes.beside : undefined}>
        {stage === "caption" ? (
          <figcaption className={classes.caption}>{medium.caption ?? say("noCaption")}</figcaption>
        ) : (
          <Shown key={medium.ref} medium={medium} stage={stage} next={further(stage, stages)} load={load} wellness={wellness} keyed={keyed} scope={scope} flashes={flashes} jobKey={jobKey} onShown={setShown} />
        )}
        {full ? null : aside}
      </div>
    </figure>
  );
  if (!full) return content;
  return (
    <Dialog opened fullScreen onClose={() => setFull(false)} title={say("fullTitle", { kind })} className={classes.full}>
      {content}
    </Dialog>
  );
}

async function fetchAhead(kind: Kind): Promise<void> {
  await whenQuiet();
  await Promise.allSettled([...(kind === "audio" ? [] : [Picture.fetch()]), ...(kind === "image" ? [] : [Player.fetch()])]);
}

const KEY_OF: Readonly<Partial<Record<Stage, readonly [string, string]>>> = { grey: ["veil.reveal", "B"], colour: ["veil.colour", "C"] };

function StageName({ name, of }: { name: string; of: readonly [string, string] | undefined }) {
  return (
    <span className={classes.stage}>
      {name}
      {of ? <Keys of={of[0]} fallback={of[1]} /> : null}
    </span>
  );
}

interface ShownProps {
  readonly medium: Medium;
  readonly stage: Shows;
  readonly next: Stage;
  readonly load: LoadStage;
  readonly wellness: Wellness;
  readonly keyed: boolean;
  readonly scope: "job" | "dialog";
  readonly flashes: Flashes;
  readonly jobKey: string;
  /** Whether it is there to be seen: its time runs from then on. */
  readonly onShown: (is: boolean) => void;
}

function Shown({ medium, stage, next, load, wellness, keyed, scope, flashes, jobKey, onShown }: ShownProps) {
  const say = useWords(words);
  const { kind } = medium;
  const { data, error, refetch, isFetching } = useQuery({
    // How strongly it is veiled is the person's choice: another one is another picture.
    queryKey: ["medium", medium.ref, stage, ...(stage === "veiled" ? [wellness.blurLevel, wellness.grayscale] : [])],
    queryFn: ({ signal }) => load(medium.ref, stage, signal),
    staleTime: Infinity,
    // What is clear goes with its stage; the full view is another place for the same bytes, and no second look.
    gcTime: isClear(stage) ? 1_000 : 60_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    // The platform is asked again when somebody says so.
    retry: (failures, fault) => asProblem(fault)?.kind !== "media-unavailable" && shouldRetry(failures, fault),
  });
  const url = useAddress(data);
  const isThere = url !== null;
  useEffect(() => {
    onShown(isThere);
    return () => onShown(false);
  }, [isThere, stage, onShown]);
  const caption = medium.caption ?? "";
  const alt = say(isClear(stage) ? "clearAlt" : "veiledAlt", { kind, caption });
  if (error) return <Fault error={error} medium={medium} again={() => void refetch()} asking={isFetching} />;
  const plays = typeof data === "string";
  const ratio = medium.width && medium.height ? `${medium.width} / ${medium.height}` : "3 / 2";
  const isSheet = kind === "video" && !plays;
  return (
    <div className={classes.veil} style={{ aspectRatio: plays || isSheet || kind === "audio" ? undefined : ratio }} data-stage={stage} data-tint={wellness.sepia ? "sepia" : undefined}>
      <Pane>
        <Suspense>
          {url === null ? null : plays ? (
            <Player.Part
              address={url}
              kind={kind === "audio" ? "audio" : "video"}
              alt={alt}
              keyed={keyed}
              scope={scope}
              isMuted={kind === "audio" ? wellness.muteAudio : wellness.muteVideo}
              flashes={flashes}
              jobKey={jobKey}
              film={medium.ref}
              sheet={kind === "video" ? (signal) => load(medium.ref, "veiled", signal) : null}
            />
          ) : isClear(stage) ? (
            <Picture.Part url={url} alt={alt} keyed={keyed} scope={scope} isBound={medium.isGrave ?? false} />
          ) : (
            <img src={url} alt={alt} draggable={false} decoding="async" />
          )}
        </Suspense>
      </Pane>
      {stage === "veiled" ? (
        <span className={classes.tag}>
          <IconEyeOff className="icon" aria-hidden="true" />
          {say("veiledHere")}
          {keyed ? (
            <>
              <Keys of="veil.reveal" fallback="B" />
              {kind === "audio" ? say("toListen") : kind === "video" ? say("toFrames") : say("toLook", { stage: next })}
            </>
          ) : null}
        </span>
      ) : null}
    </div>
  );
}

const WHY = { gone: "gone", unreachable: "gone", "too-large": "tooLarge", "not-media": "notMedia", broken: "broken" } as const;

/** Why it cannot be shown, and asking again: also a platform may be away for a while. */
function Fault({ error, medium, again, asking }: { error: unknown; medium: Medium; again: () => void; asking: boolean }) {
  const say = useWords(words);
  const problem = asProblem(error);
  const isItsOwn = problem?.kind === "media-unavailable" || problem?.status === 404;
  if (!isItsOwn) return <Problem error={error} again={again} />;
  const { state } = medium;
  return (
    <div className={classes.caption} role="alert">
      <span>{say(state && state !== "ok" ? WHY[state] : "notShown")}</span>
      <Button size="xs" onClick={again} loading={asking}>
        {say("again")}
      </Button>
    </div>
  );
}

/** `veilAfter` in seconds from now on; 0: not by itself. */
function useStage(first: Stage, key: string, veilAfter: number): [Stage, (stage: Stage) => void] {
  const [state, setState] = useState({ key, stage: first, at: 0 });
  const stage = state.key === key ? state.stage : first;
  const set = (chosen: Stage) => setState((before) => ({ key, stage: chosen, at: before.at + 1 }));
  useEffect(() => {
    if (!isClear(stage)) return undefined;
    const veil = () => setState((before) => ({ ...before, stage: "veiled" }));
    const hidden = () => {
      if (document.visibilityState === "hidden") veil();
    };
    const timer = veilAfter > 0 ? setTimeout(veil, veilAfter * 1000) : undefined;
    const off = onVeilAll(veil);
    window.addEventListener("blur", veil);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      clearTimeout(timer);
      off();
      window.removeEventListener("blur", veil);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, [stage, state.at, veilAfter]);
  return [stage, set];
}
