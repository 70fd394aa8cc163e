/**
 * What was decided just now, and how to take it back; in its own place above the foot.
 *
 *     decided ──the window──▶ sent: Undo gives its place to Reverse for a while ──▶ gone
 *        └─focus or pointer on it: time stands still, as far as the server holds the decision (`use-held`)
 *
 * Guarantees: it stays for as long as it has the focus or the pointer is on it; what is announced is said
 * once, whatever the clock on its button shows; an undo that is refused says why. The form around it goes
 * once its job is closed: what it says and the focus on it stay.
 */
import { Button, Loader } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useLayoutEffect, useRef, useState, type FocusEvent } from "react";

import { asProblem } from "@/api/problem";
import { sentenceOf } from "@/control/sentence";
import { Keys, useCommand } from "@/key/keys";
import { usePermission } from "@/session/session";
import { useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Claim } from "./claim";
import classes from "./job.module.css";
import { changeDone, useDone, type Done } from "./shift";
import { useUnsent } from "./unsent";
import { undo } from "./use-decide";
import { useHeld } from "./use-held";
import { words } from "./words";

/** How long it is said that it was sent, and where to reverse it. */
const AFTER_MS = 15_000;
/** The decision, and the page of the job, whose notice has the focus. */
let focused: string | null = null;

export function UndoNotice({ jobId }: { jobId: string }) {
  const say = useWords(words);
  const done = useDone();
  const now = useNow(1);
  const [unsent] = useUnsent();
  const { isHeld, left, hold } = useHeld(done, now);
  if (unsent !== undefined) return <Unsent what={unsent} />;
  const isThere = done !== null && (left > -AFTER_MS || isHeld);
  const isOver = left <= 0;
  return (
    <>
      <span className="hidden" role="status">
        {isThere ? say(isOver ? "undoOver" : "undoTold", { what: done.what }) : ""}
      </span>
      {isThere ? <Notice key={done.decisionId} done={done} jobId={jobId} seconds={Math.max(0, Math.ceil(left / 1000))} hold={hold} /> : null}
    </>
  );
}

/** It is not answered yet; nobody has to do anything. */
function Unsent({ what }: { what: string }) {
  const say = useWords(words);
  return (
    <div className={classes.undo} role="status">
      <Loader size={20} aria-hidden="true" />
      <div className="grow">
        <b className="ell" style={{ display: "block" }} title={what}>
          {what}
        </b>
        <div className="dim t12">{say("unsent")}</div>
      </div>
    </div>
  );
}

interface NoticeProps {
  readonly done: Done;
  readonly jobId: string;
  /** Nothing is left: it was sent. */
  readonly seconds: number;
  readonly hold: (isHeld: boolean) => void;
}

function Notice({ done, jobId, seconds, hold }: NoticeProps) {
  const say = useWords(words);
  const { busy, run } = useUndo(done, jobId);
  const failed = done.failed ?? null;
  const button = useRef<HTMLButtonElement>(null);
  const mayReverse = usePermission("VIEW_MRT_DATA");
  const navigate = useNavigate();
  const isOver = seconds === 0;
  const isGone = isOver || failed !== null;
  // What was sent is taken back from the list of decisions.
  const reverse = () => void navigate({ to: "/decisions", search: { peek: done.decisionId } });
  useCommand({ id: "job.undo", scope: "job", keys: "Z", label: say("undone"), enabled: !isGone, run });
  const here = `${done.decisionId} ${jobId}`;
  useLayoutEffect(() => {
    if (focused === here && (document.activeElement === null || document.activeElement === document.body)) button.current?.focus();
  }, [here]);
  const came = () => {
    focused = here;
    hold(true);
  };
  const left = (event: FocusEvent) => {
    if (event.currentTarget.contains(event.relatedTarget)) return;
    focused = null;
    hold(false);
  };
  return (
    // What is under the pointer or has the focus is not taken away.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div className={classes.undo} role="group" aria-label={done.what} onFocus={came} onBlur={left} onMouseEnter={() => hold(true)} onMouseLeave={() => hold(false)}>
      <Ring share={(seconds * 1000) / Math.max(1, done.window)} />
      <div className="grow">
        <b className="ell" style={{ display: "block" }} title={done.what}>
          {done.what}
        </b>
        {failed ? (
          <div className="dim t12" role="alert">
            {failed}
          </div>
        ) : (
          <div className="dim t12 ell user-text">{isOver ? say("undoSent") : done.about}</div>
        )}
      </div>
      {/* One button, whatever it does now: the focus stays where it is. */}
      {isGone && !mayReverse ? null : (
        <Button ref={button} size="xs" onClick={isGone ? reverse : run} loading={busy} rightSection={isGone ? null : <Keys of="job.undo" fallback="Z" />}>
          {isGone ? say("undoReverse") : say("undo", { seconds })}
        </Button>
      )}
    </div>
  );
}

function useUndo(done: Done, jobId: string): { busy: boolean; run: () => void } {
  const say = useWords(words);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const run = () => {
    if (busy) return;
    setBusy(true);
    const current = jobId === done.jobId ? null : (cache.getQueryData<Claim>(["claim", jobId]) ?? null);
    undo(done, current)
      .then((back) => navigate({ to: "/jobs/$jobId", params: { jobId: back } }))
      .catch((error: unknown) => {
        const problem = asProblem(error);
        changeDone(done.decisionId, { failed: say("undoFailed", { why: problem ? sentenceOf(problem) : String(error) }) });
      })
      .finally(() => setBusy(false));
  };
  return { busy, run };
}

function Ring({ share }: { share: number }) {
  return (
    <svg className={classes.ring} viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="10" r="8" />
      <circle className={classes.part} cx="10" cy="10" r="8" strokeDasharray={`${Math.max(0, Math.min(1, share)) * 50.3} 51`} transform="rotate(-90 10 10)" />
    </svg>
  );
}
