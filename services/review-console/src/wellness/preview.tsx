/** A drawn, harmless picture, as media would look under a choice. */
import { Button } from "@mantine/core";
import { useState } from "react";

import { useWords } from "@/words/words";

import classes from "./wellness.module.css";
import { filterOf, type Choice } from "./wellness";
import { words } from "./words";

export function Preview({ choice }: { choice: Choice }) {
  const say = useWords(words);
  const [isLifted, setLifted] = useState(false);
  return (
    <figure className={classes.preview}>
      <figcaption className="t12 dim">{say("preview")}</figcaption>
      <div className={classes.frame}>
        <svg viewBox="0 0 320 200" role="img" aria-label={say("previewText")} style={{ filter: filterOf(choice, isLifted) }}>
          <rect width="320" height="200" fill="#8ecae6" />
          <circle cx="250" cy="52" r="26" fill="#ffb703" />
          <path d="M0 150 Q80 60 170 130 T320 110 V200 H0Z" fill="#6a994e" />
          <path d="M0 172 Q140 138 320 164 V200 H0Z" fill="#386641" />
          <rect x="96" y="112" width="72" height="54" fill="#f2e8cf" />
          <path d="M86 114 L132 78 L178 114Z" fill="#bc4749" />
          <rect x="122" y="134" width="20" height="32" fill="#7f5539" />
          <rect x="104" y="122" width="14" height="14" fill="#219ebc" />
          <rect x="148" y="122" width="14" height="14" fill="#219ebc" />
        </svg>
      </div>
      <p className={classes.words} style={{ filter: choice.veilText && !isLifted ? "blur(5px)" : "none" }}>
        {say("previewWords")}
      </p>
      <Button size="xs" aria-pressed={isLifted} onClick={() => setLifted(!isLifted)}>
        {say(isLifted ? "veiled" : "lifted")}
      </Button>
    </figure>
  );
}
