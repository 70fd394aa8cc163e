/**
 * A film or a sound that plays when somebody says so: silent at first where that was chosen, by frames,
 * slower and faster.
 *
 *     ␣ play   , . one frame back, on   < > slower, faster   Q read what is said
 *
 * Guarantees: a film that flashes, or is not known not to, says so and asks before it plays for the first
 * time in a job; frames can be stepped through one by one meanwhile, and not by a key that is held down.
 */
import { Button, SegmentedControl } from "@mantine/core";
import { IconAlertTriangle, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconPlayerTrackPrev, IconVolume, IconVolumeOff } from "@tabler/icons-react";
import { useEffect, useId, useRef, useState } from "react";

import { Keys, useCommand } from "@/key/keys";
import type { Scope } from "@/key/registry";
import { clockOf } from "@/time/moment";
import { useWords } from "@/words/words";

import { captionsAddress, useCaptions } from "./captions";
import { useAgreement, type Flashes } from "./flash";
import { Scrubber, type LoadSheet } from "./scrubber";
import { Transcript } from "./transcript";
import classes from "./veil.module.css";
import { words } from "./words";

const PACES = [0.5, 1, 1.5, 2] as const;
/** Where a film does not say how many frames it has: most have 25 to 30 in a second. */
const FRAME_S = 1 / 30;

interface Props {
  readonly address: string;
  readonly kind: "video" | "audio";
  readonly alt: string;
  readonly keyed: boolean;
  readonly scope: Scope;
  readonly isMuted: boolean;
  readonly flashes: Flashes;
  /** Where it is played, and which: what was agreed to is remembered for these. */
  readonly jobKey: string;
  readonly film: string;
  /** Its frames beside each other, veiled. */
  readonly sheet: LoadSheet | null;
}

export default function Player({ address, kind, alt, keyed, scope, isMuted, flashes, jobKey, film, sheet }: Props) {
  const say = useWords(words);
  const media = useRef<HTMLVideoElement>(null);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(0);
  const [ratio, setRatio] = useState(16 / 9);
  const [plays, setPlays] = useState(false);
  const [muted, setMuted] = useState(isMuted);
  const [pace, setPace] = useState<number>(1);
  const isFilm = kind === "video";
  const { asks, ask, agree, ...agreement } = useAgreement(jobKey, film, flashes);
  const isFree = agreement.isFree || !isFilm;
  const { track, captions } = useCaptions();
  const note = useId();
  useEffect(() => {
    // It plays, and now turns out to flash.
    if (plays && !isFree) media.current?.pause();
  }, [plays, isFree]);
  const toggle = () => {
    const node = media.current;
    if (!node) return;
    if (!node.paused) return node.pause();
    if (!isFree && !asks) return ask();
    if (asks) agree();
    void node.play().catch(() => undefined);
  };
  const step = (by: number) => {
    const node = media.current;
    if (!node) return;
    node.pause();
    node.currentTime = Math.min(node.duration || 0, Math.max(0, node.currentTime + by * FRAME_S));
  };
  const goTo = (to: number) => {
    if (media.current) media.current.currentTime = to;
  };
  const run = (next: number) => {
    setPace(next);
    if (media.current) media.current.playbackRate = next;
  };
  const faster = (by: number) => run(PACES[Math.min(PACES.length - 1, Math.max(0, PACES.indexOf(pace as 1) + by))] ?? 1);
  useCommand({ id: "veil.play", scope, keys: "Space", label: say("playKey"), enabled: keyed, run: toggle });
  useCommand({ id: "veil.frameBack", scope, keys: ",", repeats: isFree, label: say("frameBack"), enabled: keyed && isFilm, run: () => step(-1) });
  useCommand({ id: "veil.frameOn", scope, keys: ".", repeats: isFree, label: say("frameOn"), enabled: keyed && isFilm, run: () => step(1) });
  useCommand({ id: "veil.slower", scope, keys: "<", label: say("slower"), enabled: keyed, run: () => faster(-1) });
  useCommand({ id: "veil.faster", scope, keys: ">", label: say("faster"), enabled: keyed, run: () => faster(1) });
  const heard = {
    ref: media,
    src: address,
    muted,
    "aria-label": alt,
    preload: "metadata" as const,
    controlsList: "nodownload nofullscreen noremoteplayback",
    disablePictureInPicture: true,
    onTimeUpdate: (event: React.SyntheticEvent<HTMLMediaElement>) => setAt(event.currentTarget.currentTime),
    onSeeked: (event: React.SyntheticEvent<HTMLMediaElement>) => setAt(event.currentTarget.currentTime),
    onLoadedMetadata: ({ currentTarget }: React.SyntheticEvent<HTMLVideoElement>) => {
      setLength(Number.isFinite(currentTarget.duration) ? currentTarget.duration : 0);
      if (currentTarget.videoHeight > 0) setRatio(currentTarget.videoWidth / currentTarget.videoHeight);
    },
    onPlay: () => setPlays(true),
    onPause: () => setPlays(false),
    onContextMenu: (event: React.SyntheticEvent) => event.preventDefault(),
  };
  return (
    <div className={classes.player} data-kind={kind}>
      {/* A sound is played by the same element, without a picture. */}
      <video {...heard} playsInline hidden={!isFilm}>
        <track ref={track} default kind="captions" src={captionsAddress(address)} label={say("captions")} />
      </video>
      <Scrubber film={film} sheet={sheet} ratio={ratio} at={at} length={length} goTo={goTo} />
      {isFilm ? <FlashNote id={note} flashes={flashes} asks={asks} /> : null}
      <div className={classes.controls}>
        <Button size="xs" className={isFilm ? classes.play : undefined} aria-describedby={isFilm ? note : undefined} onClick={toggle} leftSection={plays ? <IconPlayerPause size={14} aria-hidden="true" /> : <IconPlayerPlay size={14} aria-hidden="true" />} rightSection={keyed ? <Keys of="veil.play" fallback="Space" /> : null}>
          {say(plays ? "pause" : asks ? "playAnyway" : "play")}
        </Button>
        {isFilm ? (
          <>
            <button type="button" className={classes.icon} aria-label={say("frameBack")} onClick={() => step(-1)}>
              <IconPlayerTrackPrev size={14} aria-hidden="true" />
            </button>
            <button type="button" className={classes.icon} aria-label={say("frameOn")} onClick={() => step(1)}>
              <IconPlayerTrackNext size={14} aria-hidden="true" />
            </button>
          </>
        ) : null}
        <span className="tnum t12">{say("placeOf", { at: clockOf(at * 1000), length: clockOf(length * 1000) })}</span>
        <button type="button" className={`${classes.icon} end`} aria-pressed={muted} aria-label={say("mute")} onClick={() => setMuted(!muted)}>
          {muted ? <IconVolumeOff size={14} aria-hidden="true" /> : <IconVolume size={14} aria-hidden="true" />}
        </button>
        <SegmentedControl size="xs" aria-label={say("pace")} value={String(pace)} onChange={(next) => run(Number(next))} data={PACES.map((one) => ({ value: String(one), label: say("times", { pace: one }) }))} />
      </div>
      <Transcript captions={captions} kind={kind} at={at} goTo={goTo} keyed={keyed} scope={scope} />
    </div>
  );
}

/** Its place is kept while it is not known, so that nothing moves when it is. */
function FlashNote({ id, flashes, asks }: { id: string; flashes: Flashes; asks: boolean }) {
  const say = useWords(words);
  const { found, at } = flashes;
  return (
    <p id={id} className={classes.flash} data-found={found} role="status">
      {found === "YES" ? <IconAlertTriangle className="icon high" aria-hidden="true" /> : null}
      <span>
        {say("flashes", { found, at: clockOf(Math.floor(at ?? 0) * 1000) })} {asks ? <b>{say("asksAnyway")}</b> : null}
      </span>
    </p>
  );
}
