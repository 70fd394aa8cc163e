/**
 * The page of a job: what it is about, what happened before, and the decision, each in its place on
 * every job. `J K` walk through the evidence; digits pick; nothing is sent before Ctrl Enter.
 *
 * Guarantees: one request for everything around the job; each pane scrolls alone and fails alone.
 */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import clsx from "clsx";
import { memo, Suspense, useEffect, useRef, useState } from "react";

import { later } from "@/control/later";
import { Pane, Skeleton } from "@/control/state";
import { useCommand } from "@/key/keys";
import { useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { WordsBar, WordsVeil } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { AccountPane } from "./account-pane";
import { useLease } from "./claim";
import { contextQuery, isThread, useJobNames, type Context } from "./context";
import { DecisionPane } from "./decision-pane";
import { Evidence } from "./evidence";
import { useNeverLost } from "./home";
import { JobBar } from "./job-bar";
import classes from "./job.module.css";
import { useMade } from "./next";
import { Strips } from "./strips";
import { Turn } from "./turn";
import { useDecide, type Decide } from "./use-decide";
import { useEntered, type Editing } from "./use-entered";
import { useHold } from "./use-hold";
import { words } from "./words";

// Most jobs are no conversations: the part is fetched beside the page, and nothing waits for it.
const conversation = later(async () => ({ default: (await import("./thread-evidence")).ThreadEvidence }));
conversation.fetch().catch(() => undefined);
// Fewer people still have jobs about child safety: fetched with the first of them.
const childSafety = later(async () => ({ default: (await import("./child-page")).ChildPage }));

const route = getRouteApi("/_app/jobs/$jobId");
const TABS = ["evidence", "history", "decision"] as const;
type Tab = (typeof TABS)[number];

export function JobPage() {
  const { jobId } = route.useParams();
  const next = useMade(jobId);
  return [jobId, ...(next === null ? [] : [next])].map((one) => (
    <Turn key={one} isNow={one === jobId}>
      <Pane>
        <Asked jobId={one} />
      </Pane>
    </Turn>
  ));
}

/** Not by suspending: what comes in a fallback's place waits a third of a second, by React's rule. */
const Asked = memo(function Asked({ jobId }: { jobId: string }) {
  const { data } = useQuery({ ...contextQuery(jobId), throwOnError: (_, { state }) => state.data === undefined });
  return data ? <Job context={data} /> : <Skeleton lines={16} />;
});

function Job({ context }: { context: Context }) {
  const say = useWords(words);
  const { job } = context;
  const names = useJobNames(context);
  const lease = useLease(job.id);
  const { user, wellness } = useSession();
  const own = useEntered(job.id, context.draft, job.state === "PENDING");
  const hold = useHold(job, lease);
  const decide = useDecide({ context, lease, end: own.end });
  const editing = useHeard(own, decide);
  const [tab, setTab] = useState<Tab>("evidence");
  const thread = isThread(context);
  useEvidenceKeys(thread || job.kind === "NCMEC");
  useNeverLost();
  useEffect(() => {
    document.title = `${say("title", { queue: names.queue(job.queueId), id: job.id.slice(0, 8) })} · ${appName}`;
  });
  const isOwnAppeal = job.appealOf?.some((one) => one.reviewerId === user.id) ?? false;
  return (
    <WordsVeil jobKey={job.id} wellness={wellness}>
      <div className={classes.page} data-tab={tab}>
        <JobBar context={context} lease={lease} hold={hold} threaded={thread} />
        <Strips context={context} lease={lease} hold={hold} />
        {job.kind === "NCMEC" ? (
          <Suspense fallback={<Skeleton lines={12} />}>
            <childSafety.Part context={context} lease={lease} hold={hold} editing={editing} decide={decide} />
          </Suspense>
        ) : (
          <>
            <div className={classes.tabs} role="tablist">
              {TABS.map((one) => (
                <button key={one} type="button" role="tab" aria-selected={tab === one} className={classes.tab} data-narrow={one === "decision" || undefined} onClick={() => setTab(one)}>
                  {say(one)}
                </button>
              ))}
            </div>
            <div className={classes.job}>
              <section className={clsx(classes.pane, classes.evidencepane)} aria-label={say("evidence")}>
                <WordsBar />
                <Pane>
                  {thread ? (
                    <Suspense fallback={<Skeleton lines={12} />}>
                      <conversation.Part context={context} editing={editing} />
                    </Suspense>
                  ) : (
                    <Evidence context={context} />
                  )}
                </Pane>
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
          </>
        )}
      </div>
    </WordsVeil>
  );
}

/** What is pressed while this job is decided, or before it was seen, is not meant for it. */
function useHeard(editing: Editing, { isDeaf }: Decide): Editing {
  const change = (next: Editing["entered"]) => {
    if (!isDeaf()) editing.change(next);
  };
  return { ...editing, change };
}

/** `J K` through the parts of the evidence, `U` to the account. */
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
  useCommand({ id: "job.nextBlock", scope: "job", keys: "J", repeats: true, label: say("nextBlock"), enabled: !threaded, run: () => go(1) });
  useCommand({ id: "job.previousBlock", scope: "job", keys: "K", repeats: true, label: say("previousBlock"), enabled: !threaded, run: () => go(-1) });
  useCommand({ id: "job.account", scope: "job", keys: "U", label: say("toAccount"), run: () => focus("job-account") });
}
