/**
 * Where a report goes, what it holds and leaves out, what was reported before, and the typed id.
 *
 * Guarantees: the environment is a sentence, of the server; what was typed confirms this account alone.
 */
import { Checkbox, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconAlertCircle, IconAlertTriangle, IconCheck, IconInfoCircle } from "@tabler/icons-react";

import { usePermission } from "@/session/session";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import type { KnownMedia } from "./child-evidence";
import type { ReportTerms } from "./child-media";
import type { Put } from "./child-says";
import { words } from "./child-words";
import type { Context } from "./context";
import { placeOf, rangesOf, reportedOf, type Report } from "./report";

interface ConfirmProps {
  readonly context: Context;
  readonly terms: ReportTerms;
  readonly media: KnownMedia;
  readonly report: Report;
  readonly say: Put;
  readonly then: string;
}

export function Confirm({ context, terms, media, report, say: put, then }: ConfirmProps) {
  const say = useWords(words);
  const isReal = terms.environment === "PRODUCTION";
  const reported = new Set(reportedOf(report).map(placeOf));
  const left = media.items.flatMap((one, index) => (reported.has(placeOf(one)) ? [] : [index + 1]));
  const messages = report.threads.reduce((sum, one) => sum + one.messages.length, 0);
  const Sign = isReal ? IconAlertTriangle : IconInfoCircle;
  return (
    <>
      <h2>{say("confirm")}</h2>
      {terms.isEnabled ? (
        <p className={classes.environment} data-real={isReal || undefined}>
          <Sign className="icon" aria-hidden="true" />
          <span>{say.rich(isReal ? "live" : "test", { b: () => <b>{say(isReal ? "liveBold" : "testBold")}</b> })}</span>
        </p>
      ) : (
        <Off missing={terms.missing.length} />
      )}
      <dl className={classes.sum}>
        <dt>{say("sends")}</dt>
        <dd>{say("sendsWhat", { media: reported.size, messages })}</dd>
        <dt>{say("leaves")}</dt>
        <dd>{say("leavesWhat", { count: left.length, numbers: rangesOf(left) })}</dd>
        <dt>{say("then")}</dt>
        <dd className="user-text">{then || say("thenNothing")}</dd>
      </dl>
      <Earlier terms={terms} report={report} say={put} />
      <TypedId id={context.job.itemId} typed={report.typed} say={put} />
    </>
  );
}

function Off({ missing }: { missing: number }) {
  const say = useWords(words);
  const may = usePermission("MANAGE_ORG");
  return (
    <p className={classes.environment} data-off>
      <IconAlertCircle className="icon high" aria-hidden="true" />
      <span>
        {say("off", { missing })} {may ? <Link to="/settings/ncmec">{say("toSettings")}</Link> : null}
      </span>
    </p>
  );
}

function Earlier({ terms, report, say: put }: { terms: ReportTerms; report: Report; say: Put }) {
  const say = useWords(words);
  if (!terms.earlier) return <p className="dim t12">{say("beforeUnknown")}</p>;
  if (terms.earlier.length === 0) return null;
  return (
    <div className={classes.earlier}>
      <h3>{say("before")}</h3>
      <ul>
        {terms.earlier.map((one) => (
          <li key={one.id} className="t13">
            {say("beforeOne", { number: one.reportId ?? "none", environment: one.environment, date: new Date(one.filedAt ?? one.requestedAt).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" }) })}
          </li>
        ))}
      </ul>
      {wasReported(terms) ? <Checkbox size="xs" label={say("further")} checked={report.further} onChange={(event) => put({ further: event.currentTarget.checked })} /> : null}
    </div>
  );
}

function TypedId({ id, typed, say: put }: { id: string; typed: string; say: Put }) {
  const say = useWords(words);
  const given = typed.trim();
  const isRight = given === id;
  const told = isRight ? say("idRight") : id.startsWith(given) ? say("idToGo", { count: id.length - given.length }) : say("idWrong");
  return (
    <TextInput
      id="child-typed"
      size="sm"
      autoComplete="off"
      spellCheck={false}
      label={
        <span className="row g8">
          {say("typeId")}
          <span className="dim mono" style={{ fontWeight: 400, overflowWrap: "anywhere" }}>
            {id}
          </span>
        </span>
      }
      classNames={{ input: classes.typed }}
      value={typed}
      onChange={(event) => put({ typed: event.currentTarget.value })}
      rightSectionWidth={72}
      rightSection={<span className="dim t12 tnum">{say("typed", { typed: given.length, whole: id.length })}</span>}
      inputWrapperOrder={["label", "input", "description"]}
      description={
        <span role="status" className="row g4">
          {isRight ? <IconCheck size={14} aria-hidden="true" /> : <IconInfoCircle size={14} aria-hidden="true" />}
          {told}
        </span>
      }
    />
  );
}

export function wasReported(terms: ReportTerms): boolean {
  return (terms.earlier ?? []).some((one) => one.filedAt !== null && one.environment === terms.environment);
}
