/** A job in a conversation: why it is here, then the conversation around what was reported. */
import { useEffect, useRef } from "react";

import { useWords } from "@/words/words";

import type { Context } from "./context";
import { arrive } from "./home";
import classes from "./job.module.css";
import { Thread } from "./thread";
import type { Editing } from "./use-entered";
import { Why } from "./why";
import { words } from "./words";

export function ThreadEvidence({ context, editing }: { context: Context; editing: Editing }) {
  const say = useWords(words);
  const why = useRef<HTMLElement>(null);
  useEffect(() => {
    // It is loaded on its own, and may come when the reviewer writes already.
    arrive(document.getElementById("job-thread"));
  }, [context.job.id]);
  return (
    <>
      <section ref={why} className={classes.ev} style={{ flex: "none", paddingBottom: 0, borderBottom: "1px solid var(--line)", maxHeight: "40%", overflow: "auto" }} data-block tabIndex={-1} aria-label={say("why")}>
        <div className={classes.sect} style={{ borderBottom: 0 }}>
          <Why context={context} />
        </div>
      </section>
      <Thread context={context} editing={editing} />
    </>
  );
}
