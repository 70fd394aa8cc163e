/**
 * The page of a second review: the evidence as the first reviewer had it, and what I would decide.
 *
 * Guarantees: nothing of the first decision is shown or asked for; it is given back when it is left.
 */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { api, take } from "@/api/client";
import { ApiProblem, asProblem } from "@/api/problem";
import { useNames } from "@/configuration/names";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { useKeptAs, writeKept } from "@/form/kept";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { clockOf, useNow } from "@/time/moment";
import { WordsBar, WordsVeil } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { ActionList } from "./action-list";
import type { Context } from "./context";
import { fieldOf, Head, needs, Reason } from "./decision-pane";
import { incompleteIn } from "./effect";
import { acts, componentsOf, draftOf, enteredOf, missingIn, type Entered, type Missing } from "./entered";
import { Evidence } from "./evidence";
import { useNeverLost, useSeen } from "./home";
import classes from "./job.module.css";
import { PolicyField } from "./policy-field";
import { contextOf, secondCountsQuery, type SecondClaim } from "./second-review";
import { words } from "./second-words";
import { Strip } from "./strip";
import { untilAnswered } from "./unsent";
import { useClaimed, type Claimed } from "./use-claimed";
import { words as jobWords } from "./words";

const route = getRouteApi("/_app/second-review");
const SOON_MS = 60_000;

export function SecondReviewPage() {
  const say = useWords(words);
  const { queue = null } = route.useSearch();
  const { claim, error, isPending, next, extended, answering } = useClaimed(queue);
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  if (error) return <Problem error={error} again={next} />;
  if (isPending) return <Skeleton lines={12} />;
  if (claim === null) {
    return (
      <Empty title={say("nothing")} next={<Link to="/queues">{say("toQueues")}</Link>}>
        {say("nothingText")}
      </Empty>
    );
  }
  return (
    <Pane key={claim.secondReview.id}>
      <Review claim={claim} extended={extended} answering={answering} />
    </Pane>
  );
}

type ReviewProps = Pick<Claimed, "extended" | "answering"> & { readonly claim: SecondClaim };

function Review({ claim, extended, answering }: ReviewProps) {
  const say = useWords(words);
  const names = useNames();
  const { org, wellness } = useSession();
  const { secondReview, lease } = claim;
  const [context] = useContextOf(claim, names, org);
  const left = Date.parse(lease.expiresAt) - useNow(1);
  const counts = useQuery(secondCountsQuery).data ?? [];
  const waiting = counts.reduce((sum, one) => sum + one.waiting, 0);
  const extend = () => {
    take(api.POST("/v1/second-reviews/{second_review_id}/lease/extend", { params: { path: { second_review_id: secondReview.id } }, body: { leaseToken: lease.token } }))
      .then(({ expiresAt }) => extended(expiresAt))
      .catch(() => undefined);
  };
  useCommand({ id: "job.extend", scope: "job", keys: "X", label: say("extend"), run: extend });
  useNeverLost();
  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <h1 className="user-text ell">{say("titleOf", { queue: names.queue(secondReview.queueId) })}</h1>
        <span className="dim">{say("waiting", { count: waiting })}</span>
        <div className={classes.who}>
          {left < SOON_MS ? (
            <Severity level="high">
              <b className="tnum">{clockOf(left)}</b> {say("leftOn")}
            </Severity>
          ) : (
            <span>
              <b className="tnum">{clockOf(left)}</b> <span className="dim">{say("leftOn")}</span>
            </span>
          )}
          <Button size="xs" onClick={extend} rightSection={<Keys of="job.extend" fallback="X" />}>
            {say("extend")}
          </Button>
        </div>
      </div>
      <Strip>{say(left <= 0 ? "ended" : "blind")}</Strip>
      <div className={`${classes.job} ${classes.two}`}>
        <section className={`${classes.pane} ${classes.evidencepane}`} aria-label={say("title")}>
          <WordsVeil jobKey={secondReview.id} wellness={wellness}>
            <WordsBar />
            <Pane>
              <Evidence context={context} />
            </Pane>
          </WordsVeil>
        </section>
        <aside className={`${classes.pane} ${classes.decisionpane}`} aria-label={say("title")}>
          <Pane>
            <Answer claim={claim} context={context} answering={answering} />
          </Pane>
        </aside>
      </div>
    </div>
  );
}

/** The same object for as long as its parts are: what is beside it is not drawn anew each second. */
function useContextOf(claim: SecondClaim, names: ReturnType<typeof useNames>, org: ReturnType<typeof useSession>["org"]): [Context] {
  const { secondReview } = claim;
  const [made, setMade] = useState(() => ({ secondReview, names: names.itemTypes, actions: names.actions, context: contextOf(claim, names, org) }));
  if (made.secondReview === secondReview && made.names === names.itemTypes && made.actions === names.actions) return [made.context];
  const context = contextOf(claim, names, org);
  setMade({ secondReview, names: names.itemTypes, actions: names.actions, context });
  return [context];
}

function Answer({ claim, context, answering }: { claim: SecondClaim; context: Context; answering: Claimed["answering"] }) {
  const say = useWords(words);
  const sayJob = useWords(jobWords);
  const names = useNames();
  const place = `second.${claim.secondReview.id}`;
  const [entered, setEntered] = useKeptAs(place, (kept): Entered => enteredOf(typeof kept === "object" && kept !== null ? { ...kept } : {}), draftOf);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const isSeen = useSeen();
  const { offers } = context;
  if (!offers) return null;
  const isAppeal = context.job.kind === "APPEAL";
  const missing = missingIn(entered, offers.rules, isAppeal, incompleteIn(entered, names.actions));
  const path = { second_review_id: claim.secondReview.id };
  const enter = (changed: Entered) => {
    if (busy || !isSeen()) return;
    setEntered(changed);
    setProblem(null);
  };
  const send = (work: () => Promise<unknown>) => {
    if (busy || !isSeen()) return;
    setBusy(true);
    setProblem(null);
    answering(work())
      // Until the next one is there nothing more is meant for this one.
      .then(() => writeKept(place, ""))
      .catch((error: unknown) => {
        setProblem(asProblem(error) ?? new ApiProblem("internal", 0));
        setBusy(false);
      });
  };
  const submit = () => {
    if (missing.length > 0) return setTried(true);
    const body = { components: componentsOf(entered), reason: entered.reason.trim() || null, note: entered.note.trim() || null, leaseToken: claim.lease.token };
    return send(() => untilAnswered(say("title"), () => take(api.POST("/v1/second-reviews/{second_review_id}/decisions", { params: { path }, body }))));
  };
  const skip = () => send(() => api.POST("/v1/second-reviews/{second_review_id}/skip", { params: { path }, body: { leaseToken: claim.lease.token } }));
  const faultOf = (field: Missing): string | null => (problem && fieldOf(problem) === field ? (problem.faults[0]?.reason ?? null) : null) ?? (tried && missing.includes(field) ? sayJob(needs(field, isAppeal)) : null);
  return (
    <>
      <Head hint={sayJob("decisionHint")} />
      <div className={`${classes.scroll} ${classes.decisionbody}`}>
        <ActionList context={context} offers={offers} names={names} entered={entered} enter={enter} fault={faultOf("choice") ?? faultOf("parameter")} />
        {entered.verdict === "IGNORE" && !acts(entered) ? null : <PolicyField names={names} entered={entered} enter={enter} rules={offers.rules} fault={faultOf("policy")} suggested={context.job.policyIds} />}
        <Reason editing={{ entered, kept: "NOTHING" }} enter={enter} rules={offers.rules} fault={faultOf("reason")} />
        {problem && fieldOf(problem) === null ? <Problem error={problem} again={submit} /> : null}
      </div>
      <Ways inert={missing.length > 0} effect={missing.length > 0 ? sayJob(needs(missing[0] ?? "choice", isAppeal)) : say("effect")} busy={busy} submit={submit} skip={skip} />
    </>
  );
}

function Ways({ inert, effect, busy, submit, skip }: { inert: boolean; effect: string; busy: boolean; submit: () => void; skip: () => void }) {
  const say = useWords(words);
  useCommand({ id: "job.submit", scope: "job", keys: "Mod+Enter", anywhere: true, label: say("submit"), run: submit });
  useCommand({ id: "job.skip", scope: "job", keys: "S", label: say("skip"), run: skip });
  return (
    <div className={classes.foot}>
      <p className={classes.effect} id="second-effect">
        {effect}
      </p>
      <Button variant={inert ? "default" : "filled"} fullWidth h={36} aria-disabled={inert} aria-describedby="second-effect" loading={busy} onClick={submit} rightSection={<Keys of="job.submit" fallback="Mod+Enter" />}>
        {say("submit")}
      </Button>
      <Button mt={8} size="xs" fullWidth onClick={skip} rightSection={<Keys of="job.skip" fallback="S" />}>
        {say("skip")}
      </Button>
    </div>
  );
}
