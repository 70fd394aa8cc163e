/** All media of the user as tiles: what was said of each, and whether it was looked at. A tile is a
 * neutral mark, and never a picture. */
import { SegmentedControl } from "@mantine/core";
import { IconEye, IconEyeOff, IconMovie, IconPhoto, IconVolume } from "@tabler/icons-react";
import { useState } from "react";

import { useWords } from "@/words/words";

import classes from "./child.module.css";
import type { KnownMedia } from "./child-evidence";
import { words } from "./child-words";
import { isIn, placeOf, type Report, type UserMedium } from "./report";

type Part = "all" | "none" | "in";

interface Props {
  readonly media: KnownMedia;
  readonly index: number;
  readonly open: (index: number) => void;
  readonly report: Report;
}

export function ChildGallery({ media, index, open, report }: Props) {
  const say = useWords(words);
  const [part, setPart] = useState<Part>("all");
  const all = media.items.map((medium, at) => ({ medium, at, mark: report.marks[placeOf(medium)] }));
  const of: Readonly<Record<Part, typeof all>> = { all, none: all.filter((one) => one.mark === undefined), in: all.filter((one) => isIn(one.mark)) };
  return (
    <section className={classes.gallery} aria-label={say("allMedia")}>
      <div className={classes.galleryhead}>
        <h2>{say("allMedia")}</h2>
        <span className="dim t13">{say("neverClear", { count: media.items.length })}</span>
        <SegmentedControl
          size="xs"
          className="end"
          aria-label={say("allMedia")}
          value={part}
          onChange={(chosen) => setPart(chosen as Part)}
          data={[
            { value: "all", label: say("showAll", { count: of.all.length }) },
            { value: "none", label: say("showNone", { count: of.none.length }) },
            { value: "in", label: say("showIn", { count: of.in.length }) },
          ]}
        />
      </div>
      {of[part].length === 0 ? <p className="dim t13">{say("noneHere")}</p> : null}
      <ul className={classes.tiles}>
        {of[part].map(({ medium, at, mark }) => (
          <Tile key={medium.ref} medium={medium} n={at + 1} isOpen={at === index} open={() => open(at)} category={mark ? say(mark.category) : null} isReported={isIn(mark)} labels={mark?.labels.length ?? 0} />
        ))}
      </ul>
    </section>
  );
}

const MARK = { IMAGE: IconPhoto, VIDEO: IconMovie, AUDIO: IconVolume } as const;

function Tile({ medium, n, isOpen, open, category, isReported, labels }: { medium: UserMedium; n: number; isOpen: boolean; open: () => void; category: string | null; isReported: boolean; labels: number }) {
  const say = useWords(words);
  const Mark = MARK[medium.kind ?? "IMAGE"];
  const Eye = medium.isSeen ? IconEye : IconEyeOff;
  return (
    <li>
      <button type="button" className={classes.tile} aria-current={isOpen} onClick={open}>
        <span className={classes.mark}>
          <span className={classes.number}>
            <span className="hidden">{say("tile")} </span>
            {n}
          </span>
          <Mark size={32} stroke={1.25} aria-hidden="true" />
        </span>
        <span className={classes.under}>
          <span className={classes.badge} data-reported={isReported || undefined} data-none={category === null || undefined}>
            {category ?? say("noCategory")}
          </span>
          {labels > 0 ? <span className="dim t12">{say("labelsCount", { count: labels })}</span> : null}
          <span className="dim t12 row g4 end">
            <Eye size={14} aria-hidden="true" />
            {say(medium.isSeen ? "looked" : "notYet")}
          </span>
        </span>
      </button>
    </li>
  );
}
