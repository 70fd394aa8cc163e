/** The head of a page of figures: its name, when it was counted, the time asked for, all as a file. */
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, type ReactNode } from "react";

import { save, type Sheet } from "@/chart/sheet";
import { appName } from "@/shell/title";
import { momentFormat } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./measure.module.css";
import type { TimeWindow } from "./window";
import { words } from "./words";

interface Props {
  readonly title: string;
  readonly window: TimeWindow;
  readonly zone: string;
  /** When the figures were counted; null before there are any. */
  readonly asOf: string | null;
  /** Of the file: its name without days (null: there is none), and what is in it once there is something. */
  readonly file: string | null;
  readonly sheet: (() => Sheet) | null;
  readonly children: ReactNode;
}

export function PageHead({ title, window, zone, asOf, file, sheet, children }: Props) {
  const say = useWords(words);
  useEffect(() => {
    document.title = `${title} · ${appName}`;
  });
  return (
    <header className={classes.head}>
      <h1>{title}</h1>
      {asOf ? <AsOf at={asOf} window={window} zone={zone} /> : null}
      <span className={classes.tools}>
        {children}
        {file === null || sheet === null ? null : (
          <Button size="xs" leftSection={<IconDownload className="icon" aria-hidden="true" />} onClick={() => save(`${file}-${window.from}-${window.to}.csv`, sheet())}>
            {say("csv")}
          </Button>
        )}
      </span>
    </header>
  );
}

function AsOf({ at, window, zone }: { at: string; window: TimeWindow; zone: string }) {
  const say = useWords(words);
  const time = momentFormat({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone, timeZoneName: "short" }).format(Date.parse(at));
  return (
    <span className="dim t13 ell" title={say("zone", { zone })}>
      {say("asOf", { time })} · {zone}
      {window.isGoingOn ? ` · ${say("goingOn")}` : null}
    </span>
  );
}
