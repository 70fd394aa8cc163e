/**
 * The page of a job: what it is about, what happened before, and the decision, each in its place on
 * every job. `J K` walk through the evidence; digits pick; nothing is sent before Ctrl Enter.
 *
 * Guarantees: one request for everything around the job; each pane scrolls alone and fails alone.
 */
import { getRouteApi } from "@tanstack/react-router";
import clsx from "clsx";
import { Suspense, useEffect, useRef, useState } from "react";

import { asProblem } from "@/api/problem";
import { Pane, Problem, Skeleton } from "@/control/state";
import { useCommand } from "@/key/keys";
import { useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { useWords } from "@/words/words";

import { AccountPane } from "./account-pane";
import { useLease } from "./claim";
import { isThread, useContext } from "./context";
import { DecisionPane } from "./decision-pane";
import { Evidence } from "./evidence";
import { JobBar } from "./job-bar";
import classes from "./job.module.css";
import { useNames } from "./names";
import { Strips } from "./strips";
import { ThreadEvidence } from "./thread-evidence";
import { useDecide } from "./use-decide";
import { useEntered } from "./use-entered";
import { useHold } from "./use-hold";
import { words } from "./words";

const route = getRouteApi("/_app/jobs/$jobId");
const TABS = ["evidence", "history", "decision"] as const;
type Tab = (typeof TABS)[number];

export function JobPage() {
  const { jobId } = route.useParams();
  return (
    <Pane key={jobId}>
      <Suspense fallback={<Skeleton lines={16} />}>
        <Job jobId={jobId} />
      </Suspense>
    </Pane>
  );
}

function Job({ jobId }: { jobId: string }) {
  const say = useWords(words);
  const context = useContext(jobId);
  const { job } = context;
  const names = useNames(context);
  const lease = useLease(jobId);
  const me = useSession().user.id;
  const editing = useEntered(jobId, context.draft);
  const hold = useHold(job, lease);
  const decide = useDecide({ context, lease, end: editing.end });
  const [tab, setTab] = useState<Tab>("evidence");
  const thread = isThread(context);
  useEvidenceKeys(thread);
  useEffect(() => {
    document.title = `${say("title", { queue: names.queue(job.queueId), id: job.id.slice(0, 8) })} · ${appName}`;
  });
  const isOwnAppeal = job.appealOf?.some((one) => one.reviewerId === me) ?? false;
  if (job.csam) return <p className={classes.strip}>{say("csam")}</p>;
  return (
    <div className={classes.page} data-tab={tab}>
      <JobBar context={context} lease={lease} hold={hold} threaded={thread} />
      <Strips context={context} lease={lease} hold={hold} />
      <div className={classes.tabs} role="tablist">
        {TABS.map((one) => (
          <button key={one} type="button" role="tab" aria-selected={tab === one} className={classes.tab} data-narrow={one === "decision" || undefined} onClick={() => setTab(one)}>
            {say(one)}
          </button>
        ))}
      </div>
      <div className={classes.job}>
        <section className={clsx(classes.pane, classes.evidencepane)} aria-label={say("evidence")}>
          <Pane>{thread ? <ThreadEvidence context={context} editing={editing} /> : <Evidence context={context} />}</Pane>
        </section>
        <aside className={clsx(classes.pane, classes.historypane)} aria-label={say("history")}>
          <Pane>
            <AccountPane context={context} threaded={thread} />
          </Pane>
        </aside>
        <aside className={clsx(classes.pane, classes.decisionpane)} aria-label={say("decision")}>
          <Pane>
            <DecisionPane context={context} lease={lease} hold={hold} editing={editing} decide={decide} isOwnAppeal={isOwnAppeal} toDecision={() => setTab("decision")} />
          </Pane>
        </aside>
      </div>
    </div>
  );
}

/** `J K` through the parts of the evidence, `U H` to the account and the history. */
function useEvidenceKeys(threaded: boolean): void {
  const say = useWords(words);
  const at = useRef(-1);
  const go = (step: number) => {
    const blocks = [...document.querySelectorAll<HTMLElement>("[data-block]")];
    if (blocks.length === 0) return;
    const focused = blocks.findIndex((one) => one === document.activeElement);
    at.current = Math.min(blocks.length - 1, Math.max(0, (focused >= 0 ? focused : at.current) + step));
    const block = blocks[at.current];
    block?.focus({ preventScroll: true });
    block?.scrollIntoView({ block: "nearest" });
  };
  const focus = (id: string) => document.getElementById(id)?.focus();
  useCommand({ id: "job.nextBlock", scope: "job", keys: "J", label: say("nextBlock"), enabled: !threaded, run: () => go(1) });
  useCommand({ id: "job.previousBlock", scope: "job", keys: "K", label: say("previousBlock"), enabled: !threaded, run: () => go(-1) });
  useCommand({ id: "job.account", scope: "job", keys: "U", label: say("toAccount"), run: () => focus("job-account") });
  useCommand({ id: "job.history", scope: "job", keys: "H", label: say("toHistory"), run: () => focus("job-history") });
}

/** What a job that cannot be shown says instead. */
export function JobFault({ error, again }: { error: unknown; again: () => void }) {
  const problem = asProblem(error);
  return <Problem error={problem ?? error} again={again} />;
}
