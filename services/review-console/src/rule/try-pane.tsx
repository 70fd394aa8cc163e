/** What the rule as it is written makes of items: of one, of recent ones, of those of past days. */
import { Button, NumberInput, Select, SegmentedControl, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { leavesOf, Tree } from "@/condition/tree";
import { Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { Part } from "@/settings/document-form";
import { Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { BacktestPart } from "./backtest";
import classes from "./builder.module.css";
import { words } from "./builder-words";
import { judged, type Answer, type Tried, type Verdict } from "./verdict";
import { keepWritten, taken, takeWritten, triedOf } from "./written";

interface Props {
  readonly body: Schema["RuleBody"];
  readonly verdict: Verdict;
  readonly tried: Tried;
  readonly setTried: (tried: Tried) => void;
  readonly types: readonly Schema["ItemTypeView"][];
  readonly ruleId: string | null;
  /** The rule whose page this is: of a new one null, also once it is saved. */
  readonly pageOf: string | null;
  readonly isDirty: boolean;
}

const WRITTEN = ["STRING", "URL", "NUMBER", "GEOHASH", "ID"];
const MOST_FIELDS = 8;

export function TryPane(props: Props) {
  const say = useWords(words);
  if (props.types.length === 0) return <Part title={say("tryTitle")} facts={say("tryFacts")}>{say("typesFirst")}</Part>;
  return (
    <>
      <OneItem {...props} />
      <Recent {...props} />
      <BacktestPart body={props.body} ruleId={props.ruleId} isDirty={props.isDirty} hasFaults={props.verdict.faults.length > 0} />
    </>
  );
}

function OneItem({ verdict, tried, setTried, types, pageOf }: Props) {
  const say = useWords(words);
  const [before] = useState(() => takeWritten(pageOf));
  const [typeId, setType] = useState<string | null>(before.typeId);
  const [values, setValues] = useState<Readonly<Record<string, string>>>(before.values);
  const type = types.find((one) => one.id === typeId) ?? types[0];
  const fields = (type?.fields ?? []).filter((one) => WRITTEN.includes(one.type)).slice(0, MOST_FIELDS);
  const put = (next: Readonly<Record<string, string>>, of = type) => {
    setValues(next);
    setTried(triedOf(next, of));
  };
  useEffect(() => {
    if (pageOf === null) keepWritten({ typeId, values, field: document.activeElement?.closest<HTMLElement>("[data-tried]")?.dataset["tried"] ?? null });
  });
  useEffect(() => {
    if (before.field !== null) {
      const field = document.querySelector<HTMLTextAreaElement>(`[data-tried="${CSS.escape(before.field)}"]`);
      field?.focus();
      field?.setSelectionRange(field.value.length, field.value.length);
    }
    taken(pageOf);
  }, [before, pageOf]);
  return (
    <Part title={say("oneItem")} facts={verdict.took === null || tried.kind === "NONE" ? say("tryFacts") : say("took", { ms: Math.round(verdict.took) })}>
      {tried.kind === "SUBMITTED" ? (
        <div className={classes.quoted}>
          <span className="user-text">
            <VeiledWords>{tried.text}</VeiledWords>
          </span>
          <Button size="compact-xs" variant="subtle" onClick={() => put(values)}>
            {say("writeOne")}
          </Button>
        </div>
      ) : (
        <div className={classes.written}>
          {types.length > 1 ? <Select size="xs" label={say("tryType")} data={types.map((one) => ({ value: one.id, label: one.name }))} value={type?.id ?? null} onChange={(next) => {
            setType(next);
            put(values, types.find((one) => one.id === next));
          }} allowDeselect={false} /> : null}
          {fields.map(({ name, type: kind }) =>
            kind === "NUMBER" ? (
              <NumberInput key={name} data-tried={name} size="xs" label={name.replaceAll("_", " ")} value={values[name] ?? ""} onChange={(next) => put({ ...values, [name]: String(next) })} />
            ) : (
              <Textarea key={name} data-tried={name} size="xs" rows={1} label={name.replaceAll("_", " ")} value={values[name] ?? ""} onChange={(event) => put({ ...values, [name]: event.currentTarget.value })} />
            ),
          )}
        </div>
      )}
      <div role="status">
        {tried.kind === "NONE" ? (
          <span className="dim t13">{say("tryNothing")}</span>
        ) : verdict.faults.length > 0 ? (
          <span className="severe t13">{say("faultsFirst", { count: verdict.faults.length })}</span>
        ) : verdict.error ? (
          <Problem error={verdict.error} />
        ) : verdict.answer ? (
          <Answered answer={verdict.answer} />
        ) : null}
      </div>
    </Part>
  );
}

function Answered({ answer }: { answer: Answer }) {
  const say = useWords(words);
  return (
    <>
      <b className={answer.outcome === "PASSED" ? "done" : answer.outcome === "ERRORED" ? "severe" : undefined}>{say(answer.outcome)}</b>
      <Tree node={answer.conditions} />
      {answer.warnings.map((one) => (
        <p key={one.pointer + one.reason} className="high t13">
          {one.reason}
        </p>
      ))}
    </>
  );
}

interface Line {
  readonly submissionId: string;
  readonly time: string;
  readonly text: string;
  readonly answer: Answer;
}
const ITEMS = 20;
const AT_ONCE = 4;

/** The newest items of the types, each with what the rule says of it. */
async function recentOf(body: Schema["RuleBody"], signal: AbortSignal): Promise<Line[]> {
  const pages = await Promise.all(body.itemTypeIds.map((itemTypeId) => take(api.GET("/v1/evaluations", { params: { query: { itemTypeId, limit: 2 * ITEMS, include: "outcome" } }, signal }))));
  const newest = pages.flatMap(({ items }) => items).toSorted((one, other) => Date.parse(other.time) - Date.parse(one.time));
  // A submission has an evaluation for each lane.
  const once = [...new Map(newest.toReversed().map((one) => [one.submissionId, one])).values()].toReversed().slice(0, ITEMS);
  const lines: Line[] = [];
  for (let from = 0; from < once.length; from += AT_ONCE) {
    const some = once.slice(from, from + AT_ONCE);
    const answers = await Promise.allSettled(some.map((one) => judged(body, { submissionId: one.submissionId }, signal)));
    answers.forEach((answer, index) => {
      const one = some[index];
      // What was erased meanwhile cannot be tried.
      if (one && answer.status === "fulfilled") lines.push({ submissionId: one.submissionId, time: one.time, text: one.outcome?.text ?? one.item.id, answer: answer.value });
    });
    const refused = answers.find((one) => one.status === "rejected");
    if (lines.length === 0 && refused?.status === "rejected") throw refused.reason;
  }
  return lines;
}

function Recent({ body, setTried, verdict }: Props) {
  const say = useWords(words);
  const [asked, setAsked] = useState<string | null>(null);
  const [shown, setShown] = useState<"all" | "matched">("all");
  const now = JSON.stringify(body);
  const { data, error, isFetching } = useQuery({ queryKey: ["rule-recent", asked], enabled: asked !== null, retry: false, gcTime: 60_000, queryFn: ({ signal }) => recentOf(JSON.parse(asked ?? "") as Schema["RuleBody"], signal) });
  const isInert = verdict.faults.length > 0;
  const run = () => (isInert ? undefined : setAsked(now));
  useCommand({ id: "rule.recent", scope: "page", keys: "Mod+Enter", anywhere: true, label: say("tryRecentKey"), run });
  const matched = (data ?? []).filter(({ answer }) => answer.outcome === "PASSED").length;
  const lines = (data ?? []).filter(({ answer }) => shown === "all" || answer.outcome === "PASSED");
  return (
    <Part
      title={say("recent")}
      facts={isInert ? say("faultsFirst", { count: verdict.faults.length }) : data && asked !== now ? say("changedSince") : data ? say("matchedOf", { matched, all: data.length }) : say("recentFacts", { count: ITEMS })}
      tools={
        <Button size="compact-xs" loading={isFetching} disabled={isInert} onClick={run} rightSection={<Keys of="rule.recent" fallback="Mod+Enter" />}>
          {say(data ? "again" : "tryRecent")}
        </Button>
      }
    >
      {error ? <Problem error={error} again={run} /> : null}
      {isFetching && !data ? <Skeleton lines={4} /> : null}
      {data && data.length > 0 ? (
        <SegmentedControl size="xs" aria-label={say("shown")} className={classes.shown} data={[{ value: "all", label: say("all", { count: data.length }) }, { value: "matched", label: say("matchedOnly", { count: matched }) }]} value={shown} onChange={(next) => setShown(next as typeof shown)} />
      ) : null}
      {data?.length === 0 ? <span className="dim t13">{say("noRecent")}</span> : null}
      <ul className={classes.recent}>
        {lines.map((line) => (
          <li key={line.submissionId}>
            <button type="button" onClick={() => setTried({ kind: "SUBMITTED", submissionId: line.submissionId, text: line.text })}>
              <span className={classes.outcome} data-outcome={line.answer.outcome} role="img" aria-label={say(line.answer.outcome)}>
                {line.answer.outcome === "PASSED" ? "✓" : line.answer.outcome === "FAILED" ? "✕" : "!"}
              </span>
              <span className="user-text ell">
                <VeiledWords>{line.text}</VeiledWords>
              </span>
              <span className="dim t12 ell">{why(line.answer)}</span>
              <span className="dim t12">
                <Moment at={line.time} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** What decided: what matched, else what did not. */
function why({ conditions, outcome }: Answer): string {
  const leaves = leavesOf(conditions).map(({ node }) => node);
  const deciding = leaves.find((one) => one.outcome === outcome) ?? leaves.find((one) => one.outcome === "INAPPLICABLE");
  return deciding?.matchedValue ?? deciding?.says ?? "";
}
