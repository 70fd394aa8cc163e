/** Whom the job is about, what happened before, and what colleagues say. */
import { useState } from "react";

import { Pane } from "@/control/state";
import { Keys } from "@/key/keys";
import { absolute, Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { Comments } from "./comments";
import { lacks, type Context } from "./context";
import { Face } from "./face";
import { spoken } from "./item-view";
import classes from "./job.module.css";
import { useNames } from "./names";
import { Timeline } from "./timeline";
import { words } from "./words";

export function AccountPane({ context, threaded }: { context: Context; threaded: boolean }) {
  const say = useWords(words);
  return (
    <>
      <div className={classes.head}>
        <h2 id="job-account" tabIndex={-1}>
          {say("account")}
        </h2>
        <Keys of="job.account" fallback="U" />
      </div>
      <Account context={context} />
      <div className={classes.scroll}>
        <Pane>
          <Timeline context={context} />
        </Pane>
        <Pane>
          <Comments context={context} threaded={threaded} />
        </Pane>
      </div>
    </>
  );
}

function Account({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useNames(context);
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
        <Face avatar={author.avatar} size={40} />
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
  return (
    <>
      <dt className="ell" title={name}>
        {name}
      </dt>
      <dd className={whole ? "user-text" : "ell user-text"} title={value}>
        {value}
      </dd>
    </>
  );
}
