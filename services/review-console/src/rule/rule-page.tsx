/** One rule: what it asks as a sentence, what follows, how often it matched; its revisions; a trial. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { IconChevronLeft } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames, type Names } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { IdChip } from "@/control/id-chip";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { dayOf } from "@/measure/window";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { absolute, timeZone, useNow } from "@/time/moment";
import { sum } from "@/measure/answer";
import { useWords } from "@/words/words";

import { Bars, StatusMark, useAsks } from "./parts";
import { AskApproval } from "./ask-approval";
import { bodyOf, valuesOf } from "./draft";
import { Past } from "./past";
import { forecastQuery } from "./proposal";
import { DAYS, matchesOf, matchesQuery, putStatus, ruleQuery, type Rule, type Status } from "./query";
import { Refused, renewed } from "./refused";
import { Revisions } from "./revisions";
import classes from "./rule.module.css";
import { Trial } from "./trial";
import { Waiting } from "./waiting";
import { words } from "./words";

const route = getRouteApi("/_app/rules_/$ruleId");
const MINUTE = 60;

export function RulePage() {
  const say = useWords(words);
  const { ruleId } = route.useParams();
  const { revision } = route.useSearch();
  const navigate = useNavigate();
  const compare = (one: number | undefined) => void navigate({ to: "/rules/$ruleId", params: { ruleId }, search: { revision: one }, replace: true });
  const { data: rule, error, refetch } = useQuery(ruleQuery(ruleId));
  const names = useNames();
  if (error && !rule) return asProblem(error)?.status === 404 ? <Gone /> : <Problem error={error} again={() => void refetch()} />;
  if (!rule) return <Skeleton lines={12} />;
  return (
    <>
      <header className={classes.head}>
        <Link to="/rules" aria-label={say("back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <h1 className="user-text ell">{rule.name}</h1>
        <StatusMark status={rule.status} />
        <span className="dim t13">{say("revision", { number: String(rule.revision) })}</span>
        <IdChip id={rule.id} />
        <StatusButtons rule={rule} />
      </header>
      <div className={classes.page}>
        <div>
          <Pane key={`waiting ${rule.id}`}>
            <Waiting rule={rule} names={names} />
          </Pane>
          <Asked rule={rule} names={names} />
          <Pane>
            <Matched rule={rule} />
          </Pane>
          <Facts rule={rule} names={names} />
          <Pane key={`try ${rule.id}`}>
            <Trial rule={rule} names={names} />
          </Pane>
          <Pane key={`past ${rule.id}`}>
            <Past rule={rule} />
          </Pane>
        </div>
        <Pane key={`revisions ${rule.id}`}>
          <Revisions rule={rule} names={names} opened={revision} open={compare} />
        </Pane>
      </div>
    </>
  );
}

function Gone() {
  const say = useWords(words);
  return (
    <Empty title={say("gone")} next={<Link to="/rules">{say("back")}</Link>}>
      {say("goneText")}
    </Empty>
  );
}

function Asked({ rule, names }: { rule: Rule; names: Names }) {
  const say = useWords(words);
  const asks = useAsks();
  const then = (rule.actionIds ?? []).map(names.action);
  return (
    <section className={classes.part}>
      <h2>{say("asks")}</h2>
      <p className={`${classes.sentence ?? ""} user-text`}>{asks(rule)}</p>
      <h2 style={{ marginTop: 12 }}>{say("thenPart")}</h2>
      <p className={`${classes.sentence ?? ""} user-text`}>{then.length > 0 ? then.join(", ") : <span className="dim">{say("nothingThen")}</span>}</p>
      {rule.description ? <p className="dim t13 user-text">{rule.description}</p> : null}
    </section>
  );
}

function useMatches(rule: Rule) {
  const zone = timeZone();
  const found = useQuery({ ...matchesQuery(dayOf(useNow(MINUTE), zone), zone, [rule.id]), retry: false });
  return { ...found, matches: matchesOf(found.data, rule.id) };
}

function Matched({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const { matches, error, refetch } = useMatches(rule);
  if (error) return <Problem error={error} again={() => void refetch()} />;
  return (
    <section className={classes.part}>
      <div className="row g8">
        <h2>{say("matches")}</h2>
        <span className="dim t13">{say("inDays", { count: DAYS })}</span>
        <b className="end tnum">{matches ? sum(matches.days).toLocaleString() : "–"}</b>
      </div>
      {matches ? <Bars matches={matches} status={rule.status} isTall /> : null}
    </section>
  );
}

function Facts({ rule, names }: { rule: Rule; names: Names }) {
  const say = useWords(words);
  const limits = [
    rule.maxDailyActions ? say("perDay", { count: rule.maxDailyActions }) : null,
    rule.maxActionsPerMinute ? say("perMinute", { count: rule.maxActionsPerMinute }) : null,
    rule.maxUsersPerHour ? say("usersPerHour", { count: rule.maxUsersPerHour }) : null,
  ].filter((one) => one !== null);
  return (
    <section className={classes.part}>
      <h2>{say("about")}</h2>
      <dl className={classes.facts}>
        <Fact name={say("appliesTo")}>{rule.itemTypeIds.map(names.itemType).join(", ")}</Fact>
        {(rule.policyIds ?? []).length > 0 ? <Fact name={say("policies")}>{(rule.policyIds ?? []).map(names.policy).join(", ")}</Fact> : null}
        <Fact name={say("daily")}>{limits.length > 0 ? limits.join(", ") : <span className="dim">{say("noLimit")}</span>}</Fact>
        {rule.expirationTime ? <Fact name={say("expires")}>{absolute(rule.expirationTime, false)}</Fact> : null}
        {(rule.tags ?? []).length > 0 ? <Fact name={say("tags")}>{(rule.tags ?? []).join(", ")}</Fact> : null}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="user-text">{children}</dd>
    </>
  );
}

/** Where a rule may go from where it is. */
const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  LIVE: ["BACKGROUND"],
  BACKGROUND: ["LIVE", "DRAFT"],
  DRAFT: ["BACKGROUND", "ARCHIVED"],
  DEPRECATED: ["BACKGROUND", "ARCHIVED"],
  ARCHIVED: ["DRAFT"],
};
const CALLED = { LIVE: "goLive", BACKGROUND: "toBackground", DRAFT: "toDraft", DEPRECATED: "toDraft", ARCHIVED: "archive" } as const;
const WHAT = { LIVE: "liveWhat", BACKGROUND: "backgroundWhat", DRAFT: "draftWhat", DEPRECATED: "draftWhat", ARCHIVED: "archivedWhat" } as const;

function StatusButtons({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const mayLive = usePermission("MUTATE_LIVE_RULES");
  const mayOther = usePermission("MUTATE_NON_LIVE_RULES") || mayLive;
  const [asked, setAsked] = useState<Status | null>(null);
  const needs = (status: Status) => rule.status === "LIVE" || status === "LIVE";
  const open = NEXT[rule.status].filter((status) => (needs(status) ? mayLive : mayOther));
  const navigate = useNavigate();
  const mayEdit = rule.status === "LIVE" ? mayLive : mayOther;
  const edit = () => void navigate({ to: "/rules/$ruleId/edit", params: { ruleId: rule.id } });
  useCommand({ id: "rule.edit", scope: "page", keys: "E", label: say("editKey"), enabled: mayEdit, run: edit });
  if (open.length === 0) return <span className="end t12 dim">{say("needsLive", { needs: calledBy("MUTATE_LIVE_RULES") })}</span>;
  return (
    <span className="end row g8">
      {mayEdit ? (
        <>
          <Button size="xs" variant="subtle" onClick={() => void navigate({ to: "/rules/new", search: { from: rule.id } })}>
            {say("duplicate")}
          </Button>
          <Button size="xs" onClick={edit} rightSection={<Keys of="rule.edit" fallback="E" />}>
            {say("edit")}
          </Button>
        </>
      ) : null}
      {open.map((status) => (
        <Button key={status} size="xs" variant={status === "LIVE" ? "filled" : "default"} onClick={() => setAsked(status)}>
          {say(CALLED[status])}
        </Button>
      ))}
      {asked ? <StatusDialog rule={rule} status={asked} close={() => setAsked(null)} /> : null}
    </span>
  );
}

/** What it would mean, in numbers of its own, before it is so. */
function StatusDialog({ rule, status, close }: { rule: Rule; status: Status; close: () => void }) {
  const say = useWords(words);
  const { matches } = useMatches(rule);
  // What was looked at when it was asked for: who changed it since is named, and nothing is written over.
  const [seen] = useState(rule);
  const body = bodyOf({ ...valuesOf(seen), status });
  const { data: forecast } = useQuery({ ...forecastQuery(rule.id, body), enabled: status === "LIVE" });
  const change = useMutation({
    mutationFn: () => putStatus(seen, status),
    onSuccess: (now) => {
      renewed(now);
      toast(say("changed", { name: now.name, status: say(status) }));
      close();
    },
    onError: (error) => {
      const problem = asProblem(error);
      if (problem?.status === 412) void queries.invalidateQueries({ queryKey: ruleQuery(rule.id).queryKey });
      if (problem?.kind === "needs-approval") void queries.invalidateQueries({ queryKey: forecastQuery(rule.id, body).queryKey });
    },
  });
  return (
    <Dialog opened onClose={close} title={say("changeTo", { name: rule.name, status: say(status) })}>
      <p>{say(WHAT[status])}</p>
      {status === "LIVE" ? <AskApproval base={seen} body={body} asked={close} /> : null}
      {matches ? <p className="dim">{say("meanwhile", { count: DAYS, total: sum(matches.days), week: matches.week })}</p> : null}
      {change.error ? <Refused error={change.error} rule={rule} /> : null}
      <div className="row g8" style={{ marginTop: 16 }}>
        {forecast?.needsApproval ? null : (
          <Button size="xs" variant="filled" loading={change.isPending} onClick={() => change.mutate()}>
            {say(CALLED[status])}
          </Button>
        )}
        <Button size="xs" variant="subtle" onClick={close}>
          {say("cancel")}
        </Button>
      </div>
    </Dialog>
  );
}
