/**
 * Where a film is, and going somewhere else in it: while somebody drags, the frame that is nearest to the
 * place is shown veiled above it, and the film goes there once it is let go.
 *
 * Guarantees: looking for a place shows nothing clear, and asks for nothing: the frames are fetched before.
 */
import { Slider } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useWords } from "@/words/words";

import { useAddress } from "./address";
import classes from "./veil.module.css";
import { words } from "./words";

/** Of the sheet of frames, as the server makes it: one from the middle of each ninth of the film. */
const SIDE = 3;

export type LoadSheet = (signal: AbortSignal) => Promise<Blob | string>;

interface Props {
  readonly film: string;
  readonly sheet: LoadSheet | null;
  /** Width over height. */
  readonly ratio: number;
  readonly at: number;
  readonly length: number;
  readonly goTo: (to: number) => void;
}

export function Scrubber({ film, sheet, ratio, at, length, goTo }: Props) {
  const say = useWords(words);
  const [aim, setAim] = useState<number | null>(null);
  const { data } = useQuery({
    queryKey: ["medium", film, "sheet"],
    queryFn: ({ signal }) => sheet?.(signal) ?? null,
    enabled: sheet !== null,
    staleTime: Infinity,
    gcTime: 60_000,
    retry: false,
  });
  const url = useAddress(data ?? undefined);
  const most = Math.max(length, 0.1);
  const place = frameAt(aim ?? at, length);
  return (
    <div className={classes.scrubber}>
      {aim === null || url === null ? null : (
        <span
          className={classes.tile}
          data-frame={place}
          aria-hidden="true"
          style={{
            aspectRatio: ratio,
            insetInlineStart: `clamp(66px, ${(aim / most) * 100}%, calc(100% - 66px))`,
            backgroundImage: `url("${url}")`,
            backgroundPosition: `${((place % SIDE) * 100) / (SIDE - 1)}% ${(Math.floor(place / SIDE) * 100) / (SIDE - 1)}%`,
          }}
        />
      )}
      <Slider
        size="xs"
        label={null}
        thumbLabel={say("place")}
        min={0}
        max={most}
        step={0.01}
        value={Math.min(aim ?? at, most)}
        onChange={setAim}
        onChangeEnd={(to) => {
          setAim(null);
          goTo(to);
        }}
      />
    </div>
  );
}

/** Which of the sheet's frames is nearest to a place. */
export function frameAt(at: number, length: number): number {
  const last = SIDE * SIDE - 1;
  return length > 0 ? Math.min(last, Math.max(0, Math.floor((at / length) * SIDE * SIDE))) : 0;
}
