/**
 * Why a job is here, as a sentence: what rules found, with how strongly; else what was reported, or
 * appealed.
 */
import { Fragment, useState } from "react";

import type { Schema } from "@/api/client";
import shared from "@/condition/condition.module.css";
import { Joint, Leaf, leavesOf, Tree } from "@/condition/tree";
import { Severity, levelOf } from "@/look/severity";
import { Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { useJobNames, type Context } from "./context";
import classes from "./job.module.css";
import { words } from "./words";

type Rule = Schema["ReasonRuleView"];
const SHOWN = 3;

export function Why({ context }: { context: Context }) {
  const say = useWords(words);
  const { job } = context;
  const severity = (["sev0", "sev1", "sev2", "sev3", "sev4"] as const)[Math.min(4, job.severity)] ?? "sev0";
  const level = levelOf(job.severity);
  const rules = context.explanation.rules;
  return (
    <>
      <div className="row g8">
        <h2>{say("why")}</h2>
        {job.severity > 0 ? (
          <span className={`badge ${level}`}>
            <Severity level={level}>{say(severity)}</Severity>
          </span>
        ) : null}
        <span className="dim t13 end ell" style={{ flexShrink: 1, paddingInlineEnd: 1 }}>
          {[job.reportCount > 0 ? say("reportsThen", { count: job.reportCount }) : "", ...rules.map((rule) => say("byRule", { name: `${rule.name} · v${rule.revision}` }))].filter(Boolean).join(", ")}
        </span>
      </div>
      {job.kind === "APPEAL" ? <Appealed context={context} /> : null}
      {rules.map((rule) => (
        <RuleSentence key={rule.id} rule={rule} />
      ))}
      {rules.length === 0 && job.kind !== "APPEAL" ? <Reported context={context} /> : null}
    </>
  );
}

function RuleSentence({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const [open, setOpen] = useState(false);
  const leaves = leavesOf(rule.conditions);
  const passed = leaves.filter((one) => one.node.outcome === "PASSED");
  const shown = (passed.length > 0 ? passed : leaves).slice(0, SHOWN);
  return (
    <>
      <p className={classes.sent}>
        {shown.map(({ node, joint }, index) => (
          <Fragment key={node.path}>
            {index > 0 ? <Joint of={joint} /> : null}
            <Leaf node={node} />
          </Fragment>
        ))}
        {shown.length === 0 ? <b>{rule.says ?? rule.name}</b> : null}
        {leaves.length > shown.length ? (
          <>
            {". "}
            <button type="button" className={classes.plain} aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? say("fewer") : say("allConditions", { count: leaves.length })}
            </button>
          </>
        ) : null}
      </p>
      {open ? <Tree node={rule.conditions} /> : null}
    </>
  );
}

/** What somebody wrote of it. */
function Quoted({ children }: { children: string }) {
  return (
    <span className="user-text">
      {" "}
      <VeiledWords>{children}</VeiledWords>
    </span>
  );
}

function Reported({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useJobNames(context);
  const reports = context.job.entries.flatMap((one) => (one.report ? [one.report] : []));
  const [last] = reports;
  if (!last) return <p className={`${classes.sent} dim`}>{context.job.movedFrom.length > 0 ? say("moved") : say("sourceOther")}</p>;
  const reporter = context.reporters.find((one) => one.id === last.reporter?.id);
  return (
    <p className={classes.sent}>
      <span className={shared.cond} data-outcome="PASSED">
        {say("reportedBy", { name: reporter?.displayName ?? last.reporter?.id ?? say("somebody"), policy: last.policyId ? names.policy(last.policyId) : "none" })}
      </span>
      {last.reason ? <Quoted>{say("quoted", { text: last.reason })}</Quoted> : null}
      {context.job.reporterCount > 1 ? <span className="dim"> {say("reportedMore", { count: context.job.reporterCount - 1 })}</span> : null}
    </p>
  );
}

const ACTORS = { PERSON: "somebody", AUTOMATIC: "byAutomatic", RULE: "byRuleActor", BULK_ACTION: "byBulk", STRIKE_THRESHOLD: "byStrike", PLATFORM: "byPlatform" } as const;

/** Why it was decided so, where the history has it. */
function reasonOf(context: Context, decisionId: string | null): string | null {
  const found = context.timeline?.items.find((one) => one.kind === "DECISION" && one.decision.id === decisionId);
  return found?.kind === "DECISION" ? found.decision.reason : null;
}

function Appealed({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useJobNames(context);
  const appeal = context.job.entries.find((one) => one.appeal)?.appeal;
  return (
    <>
      {appeal ? (
        <p className={classes.sent}>
          {say.rich("appealBy", { name: context.author?.displayName ?? appeal.appealedBy.id, time: <Moment at={appeal.appealedAt} /> })}
          {appeal.reason ? <Quoted>{say("quoted", { text: appeal.reason })}</Quoted> : null}
        </p>
      ) : null}
      {(context.job.appealOf ?? []).map((one) => (
        <p key={one.id} className={classes.sent}>
          <span className={shared.cond} data-outcome="PASSED">
            {say("appealWas", { actions: one.actionIds.map(names.action).join(", "), who: one.reviewer?.name ?? say(ACTORS[one.by]) })}
          </span>{" "}
          <span className="dim">
            <Moment at={one.decidedAt} /> · {one.policyIds.map(names.policy).join(", ")}
          </span>
          {reasonOf(context, one.decisionId) ? <Quoted>{say("appealReason", { text: reasonOf(context, one.decisionId) ?? "" })}</Quoted> : null}
        </p>
      ))}
    </>
  );
}
