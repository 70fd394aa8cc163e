/** A text in Markdown: written, or as it is read. */
import { SegmentedControl } from "@mantine/core";
import { lazy, Suspense, useId, useState } from "react";

import { Skeleton } from "@/control/state";
import { Writing } from "@/control/writing";
import settings from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import classes from "./policy.module.css";
import { words } from "./words";

const SafeMarkdown = lazy(() => import("@/review/safe-markdown"));

interface Props {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly error?: string;
}

export function MarkdownField({ label, hint, value, onChange, error }: Props) {
  const say = useWords(words);
  const id = useId();
  const [way, setWay] = useState<"write" | "preview">("write");
  return (
    <div className={settings.line} role="group" aria-label={label}>
      <label htmlFor={id}>{label}</label>
      <div>
        <div className={classes.texthead}>
          <span className="dim t12">{hint}</span>
          <SegmentedControl size="xs" aria-label={label} value={way} onChange={setWay} data={[{ value: "write", label: say("write") }, { value: "preview", label: say("preview") }]} />
        </div>
        {way === "write" ? (
          <Writing id={id} lines={[4, 24]} size="xs" className={classes.text} value={value} onChange={(event) => onChange(event.currentTarget.value)} error={error} />
        ) : (
          <div className={classes.markdown}>
            {value.trim() === "" ? (
              <p className="dim">{say("nothing")}</p>
            ) : (
              <Suspense fallback={<Skeleton lines={3} />}>
                <SafeMarkdown text={value} />
              </Suspense>
            )}
          </div>
        )}
      </div>
    </div>
  );
}
