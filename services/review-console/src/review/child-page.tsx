/** What stands on the page of a job about child safety in place of evidence, history and decision. */
import { useState } from "react";

import { Pane } from "@/control/state";
import { useSession } from "@/session/session";
import { useNow } from "@/time/moment";
import { WordsBar } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import { ChildEvidence } from "./child-evidence";
import { ChildPane } from "./child-pane";
import { words } from "./child-words";
import { holderOf, type Lease } from "./claim";
import type { Context } from "./context";
import { setRefused, useRefused } from "./shift";
import type { Decide } from "./use-decide";
import type { Editing } from "./use-entered";
import type { Hold } from "./use-hold";

interface Props {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly hold: Hold;
  readonly editing: Editing;
  readonly decide: Decide;
}

export function ChildPage({ context, lease, hold, editing, decide }: Props) {
  const say = useWords(words);
  const [narrow, setNarrow] = useState<"evidence" | "report">("evidence");
  const claiming = useClaiming({ context, lease, hold, editing, decide });
  return (
    <>
      <div className={classes.switch} role="tablist">
        {(["evidence", "report"] as const).map((one) => (
          <button key={one} type="button" role="tab" aria-selected={narrow === one} className={classes.switchtab} onClick={() => setNarrow(one)}>
            {say(one === "evidence" ? "media" : "report")}
          </button>
        ))}
      </div>
      <div className={classes.page} data-narrow={narrow}>
        <section className={classes.left} aria-label={say("media")}>
          <WordsBar />
          <Pane>
            <ChildEvidence context={context} editing={claiming} />
          </Pane>
        </section>
        <aside className={classes.right} aria-label={say("report")}>
          <Pane>
            <ChildPane context={context} lease={lease} editing={claiming} decide={decide} />
          </Pane>
        </aside>
      </div>
    </>
  );
}

/** The first act claims a job that was only looked at, and what was refused is not said of what is new. */
function useClaiming({ context, lease, hold, editing, decide }: Props): Editing {
  const { id } = context.job;
  const refused = useRefused(id);
  const isHeld = holderOf(context.job, lease, useSession().user.id, useNow(30)) !== null;
  const change = (next: Editing["entered"]) => {
    if (decide.isDeaf()) return;
    editing.change(next);
    if (refused && refused.kind !== "held") setRefused(id, null);
    if (!lease && !isHeld && !hold.claiming) hold.claim();
  };
  return { ...editing, change };
}
