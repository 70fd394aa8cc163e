/** What was decided just now, and how to take it back; in its own place above the foot. */
import { Button, Loader } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { sentenceOf } from "@/control/sentence";
import { Keys, useCommand } from "@/key/keys";
import { useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Claim } from "./claim";
import classes from "./job.module.css";
import { setDone, useDone, type Done } from "./shift";
import { useUnsent } from "./unsent";
import { undo } from "./use-decide";
import { words } from "./words";

export function UndoNotice({ jobId }: { jobId: string }) {
  const done = useDone();
  const now = useNow(1);
  const [unsent] = useUnsent();
  if (unsent !== undefined) return <Unsent what={unsent} />;
  if (!done || done.until <= now) return null;
  return <Notice key={done.decisionId} done={done} jobId={jobId} seconds={Math.ceil((done.until - now) / 1000)} />;
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

function Notice({ done, jobId, seconds }: { done: Done; jobId: string; seconds: number }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const run = () => {
    if (busy) return;
    setBusy(true);
    const current = jobId === done.jobId ? null : (cache.getQueryData<Claim>(["claim", jobId]) ?? null);
    undo(done, current)
      .then((back) => navigate({ to: "/jobs/$jobId", params: { jobId: back } }))
      .catch((error: unknown) => {
        const problem = asProblem(error);
        setFailed(say("undoFailed", { why: problem ? sentenceOf(problem) : String(error) }));
        setTimeout(() => setDone(null), 5000);
      })
      .finally(() => setBusy(false));
  };
  useCommand({ id: "job.undo", scope: "job", keys: "Z", label: say("undone"), run });
  const share = Math.max(0, Math.min(1, (seconds * 1000) / Math.max(1, done.window)));
  return (
    <div className={classes.undo} role="status">
      <svg className={classes.ring} viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="8" />
        <circle className={classes.part} cx="10" cy="10" r="8" strokeDasharray={`${share * 50.3} 51`} transform="rotate(-90 10 10)" />
      </svg>
      <div className="grow">
        <b className="ell" style={{ display: "block" }} title={done.what}>
          {done.what}
        </b>
        <div className="dim t12 ell user-text">{failed ?? done.about}</div>
      </div>
      {failed ? null : (
        <Button size="xs" onClick={run} loading={busy} rightSection={<Keys of="job.undo" fallback="Z" />}>
          {say("undo", { seconds })}
        </Button>
      )}
    </div>
  );
}
