/** Whom the job is about, what happened before, and what colleagues say. */
import { Link } from "@tanstack/react-router";
import { Activity, memo, useState } from "react";

import { api, take } from "@/api/client";
import { usePainted } from "@/control/after-paint";
import { Pane } from "@/control/state";
import { Keys } from "@/key/keys";
import { absolute, Moment } from "@/time/moment";
import { Timeline } from "@/timeline/timeline";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { Comments } from "./comments";
import { lacks, useJobNames, type Context } from "./context";
import { Face } from "./face";
import { spoken } from "./item-view";
import classes from "./job.module.css";
import { words } from "./words";

/** Not again with each key that is pressed in the decision beside it. */
export const AccountPane = memo(function AccountPane({ context, threaded }: { context: Context; threaded: boolean }) {
  const say = useWords(words);
  // What the job is about and the decision are painted first; what lies further down comes in the next frame.
  const isBelow = usePainted();
  return (
    <>
      <div className={classes.head}>
        <h2 id="job-account" tabIndex={-1}>
          {say(threaded ? "people" : "account")}
        </h2>
        <Keys of="job.account" fallback="U" />
      </div>
      <Account context={context} />
      {threaded ? <People context={context} /> : null}
      <div className={classes.scroll}>
        <Activity mode={isBelow ? "visible" : "hidden"}>
          <Pane>
            <History context={context} />
          </Pane>
          <Pane>
            <Comments context={context} threaded={threaded} />
          </Pane>
        </Activity>
      </div>
    </>
  );
});

const MOST_PEOPLE = 3;

/** Who else writes in the conversation: those who reported first, then those who wrote most. */
function People({ context }: { context: Context }) {
  const say = useWords(words);
  const wrote = new Map<string, { id: string; typeId: string; name: string; count: number; isReporter: boolean }>();
  for (const { creator } of context.thread.items) {
    if (!creator || creator.id === context.author?.id) continue;
    const before = wrote.get(creator.id);
    const isReporter = context.reporters.some((one) => one.id === creator.id);
    wrote.set(creator.id, { id: creator.id, typeId: creator.typeId, name: creator.displayName ?? creator.id, count: (before?.count ?? 0) + 1, isReporter });
  }
  const people = [...wrote.values()].toSorted((a, b) => Number(b.isReporter) - Number(a.isReporter) || b.count - a.count);
  return (
    <>
      {people.slice(0, MOST_PEOPLE).map((one) => (
        <div key={one.id} className={classes.person}>
          <Link to="/investigate" search={{ type: one.typeId, id: one.id }} className="med ell user-text">
            {one.name}
          </Link>
          {one.isReporter ? <span className="badge">{say("reporter")}</span> : null}
          <span className="dim t12">{say("wroteHere", { count: one.count })}</span>
        </div>
      ))}
      {people.length > MOST_PEOPLE ? <p className={`${classes.person} dim t12`}>{say("peopleMore", { count: people.length - MOST_PEOPLE })}</p> : null}
    </>
  );
}

function History({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useJobNames(context);
  const jobId = context.job.id;
  return (
    <Timeline
      of={["job", jobId]}
      title={say("history")}
      command={{ id: "job.history", scope: "job", label: say("toHistory") }}
      names={names}
      // What came with the job is enough where it is all there is.
      whole={context.timeline?.nextCursor ? null : context.timeline}
      load={(kinds, cursor, signal) => take(api.GET("/v1/jobs/{job_id}/timeline", { params: { path: { job_id: jobId }, query: { of: context.author ? "USER" : "ITEM", kind: [...kinds], limit: 30, cursor } }, signal }))}
    />
  );
}

function Account({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useJobNames(context);
  const [all, setAll] = useState(false);
  const { author } = context;
  if (author === null) return <p className={`${classes.acct} dim t13`}>{say("noAccount")}</p>;
  const data = author.profile?.data ?? {};
  const handle = typeof data.handle === "string" ? data.handle : null;
  const facts = Object.entries(data).filter(([name, value]) => ["string", "number", "boolean"].includes(typeof value) && !["name", "handle", "joined_at", "language"].includes(name));
  const language = typeof data.language === "string" ? data.language : null;
  const others = author.jobs7d.items.filter((one) => one.state === "PENDING" && one.id !== context.job.id);
  const open = Math.max(0, author.jobs7d.open - (context.job.state === "PENDING" ? 1 : 0));
  return (
    <div className={classes.acct}>
      <div className="row g12">
        <Face avatar={context.job.csam ? null : author.avatar} size={40} />
        <div className="grow">
          <b className="ell user-text" style={{ display: "block" }}>
            {author.displayName ?? author.id}
          </b>
          <div className="t13 dim ell user-text">{[handle ? `@${handle}` : author.id, language].filter(Boolean).join(" · ")}</div>
        </div>
      </div>
      <dl className={classes.kv}>
        {author.joinedAt ? (
          <>
            <dt>{say("joined")}</dt>
            <dd title={absolute(author.joinedAt)}>{new Date(author.joinedAt).toLocaleDateString(undefined, { month: "short", year: "numeric" })}</dd>
          </>
        ) : author.firstSeen ? (
          <>
            <dt>{say("seen")}</dt>
            <dd>
              <Moment at={author.firstSeen} />
            </dd>
          </>
        ) : null}
        {(all ? facts : facts.slice(0, 2)).map(([name, value]) => (
          <Fact key={name} name={spoken(name)} value={typeof value === "number" ? value.toLocaleString() : String(value)} whole={all} />
        ))}
        <dt>{say("strikes")}</dt>
        <dd>
          {author.strikes ? (
            <>
              {say("strikesNow", { total: author.strikes.total })}
              {author.strikes.nextExpiryAt ? <span className="dim">{`, ${say("strikesUntil", { date: new Date(author.strikes.nextExpiryAt).toLocaleDateString(undefined, { day: "numeric", month: "short" }) })}`}</span> : null}
            </>
          ) : (
            <span className="dim">{lacks(context, "STRIKES") ? say("partAway", { part: say("strikes") }) : say("noValue")}</span>
          )}
        </dd>
        <dt>{say("decided")}</dt>
        <dd>{say("decidedCount", { count: author.jobs7d.closed })}</dd>
        <dt>{say("waiting")}</dt>
        <dd>
          {say("waitingCount", { count: open })}
          {others[0] ? <span className="dim user-text">{` · ${names.queue(others[0].queueId)}`}</span> : null}
        </dd>
      </dl>
      {facts.length > 2 ? (
        <button type="button" className={classes.plain} aria-expanded={all} onClick={() => setAll(!all)}>
          {say(all ? "lessText" : "moreFacts")}
        </button>
      ) : null}
    </div>
  );
}

function Fact({ name, value, whole }: { name: string; value: string; whole: boolean }) {
  const isShown = useWordsShown();
  return (
    <>
      <dt className="ell" title={name}>
        {name}
      </dt>
      <dd className={whole ? "user-text" : "ell user-text"} title={isShown ? value : undefined}>
        <VeiledWords>{value}</VeiledWords>
      </dd>
    </>
  );
}
