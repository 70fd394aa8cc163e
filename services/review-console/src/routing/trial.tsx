/** Where an item would go now, and what each rule said of it. */
import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Tree } from "@/condition/tree";
import { useNames } from "@/configuration/names";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import { SOURCES, type Trial } from "./routing";
import classes from "./routing.module.css";
import { words } from "./words";

/** Fields that are written as a line of text. */
const WRITTEN = ["STRING", "URL", "NUMBER", "ID", "IP_ADDRESS", "EMAIL"];
const MOST_FIELDS = 8;

interface Given {
  readonly typeId: string | null;
  readonly values: Readonly<Record<string, string>>;
  readonly submissionId: string;
  readonly source: (typeof SOURCES)[number];
  readonly policyIds: string[];
}

export function RoutingTrial({ forAppeals, first, why }: { forAppeals: boolean; first: string | null; why: string | null }) {
  const say = useWords(words);
  const names = useNames();
  const [given, setGiven] = useState<Given>({ typeId: null, values: {}, submissionId: "", source: forAppeals ? "APPEAL" : "REPORT", policyIds: [] });
  const set = (change: Partial<Given>) => setGiven({ ...given, ...change });
  const type = names.itemTypes.find((one) => one.id === (given.typeId ?? first)) ?? names.itemTypes[0];
  const fields = (type?.fields ?? []).filter((one) => WRITTEN.includes(one.type)).slice(0, MOST_FIELDS);
  const test = useMutation({
    mutationFn: (): Promise<Trial> => {
      const data: Record<string, Schema["JsonValue"]> = {};
      for (const { name, type: kind } of fields) {
        const value = given.values[name];
        if (value) data[name] = kind === "NUMBER" && Number.isFinite(Number(value)) ? Number(value) : value;
      }
      const item = given.submissionId.trim() === "" ? { item: { typeId: type?.id ?? "", data } } : { submissionId: given.submissionId.trim() };
      return take(api.POST("/v1/routing-rules/test", { body: { ...item, source: given.source, policyIds: given.policyIds } }));
    },
  });
  const sources = SOURCES.filter((one) => (one === "APPEAL") === forAppeals);
  return (
    <>
      <Part title={say("test")}>
        <p className="dim t12">{say("testHint")}</p>
        <form
          className={classes.fields}
          onSubmit={(event) => {
            event.preventDefault();
            if (why === null && !test.isPending) test.mutate();
          }}
        >
          <Select size="xs" label={say("testType")} value={type?.id ?? null} onChange={(typeId) => set({ typeId, values: {} })} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} allowDeselect={false} />
          {fields.map(({ name }) => (
            <TextInput key={name} size="xs" label={name.replaceAll("_", " ")} value={given.values[name] ?? ""} onChange={(event) => set({ values: { ...given.values, [name]: event.currentTarget.value } })} />
          ))}
          <TextInput size="xs" label={say("testSubmission")} description={say("testSubmissionHint")} value={given.submissionId} onChange={(event) => set({ submissionId: event.currentTarget.value })} />
          {sources.length > 1 ? <Select size="xs" label={say("testSource")} value={given.source} onChange={(value) => set({ source: sources.find((one) => one === value) ?? given.source })} data={sources.map((value) => ({ value, label: say(value) }))} allowDeselect={false} /> : null}
          <MultiSelect size="xs" label={say("testPolicies")} value={given.policyIds} onChange={(policyIds) => set({ policyIds })} data={names.policies.map((one) => ({ value: one.id, label: names.policy(one.id) }))} searchable />
          <span>
            <InertButton why={why} size="xs" type="submit" loading={test.isPending}>
              {say("testRun")}
            </InertButton>
          </span>
        </form>
      </Part>
      <div role="status">{test.error ? <Problem error={test.error} /> : test.data ? <Answer of={test.data} /> : null}</div>
    </>
  );
}

const LEVEL = { PASSED: "done", FAILED: "none", ERRORED: "severe" } as const;

function Answer({ of }: { of: Trial }) {
  const say = useWords(words);
  return (
    <section className={classes.answer} style={{ padding: "12px 16px" }}>
      <p className={classes.goes}>
        <b className="user-text">{of.queue ? say("goesTo", { queue: of.queue.name ?? of.queue.id }) : say("goesNowhere")}</b> <span className="dim user-text">{say(of.how, { rule: of.rule?.name ?? "" })}</span>
      </p>
      {of.note ? <p className="dim user-text">{of.note}</p> : null}
      {of.rules.length === 0 ? (
        <p className="dim">{say("noTried")}</p>
      ) : (
        <ol className={classes.tried}>
          {of.rules.map((rule) => (
            <li key={rule.id}>
              <span>
                <Link to="/routing/$ruleId" params={{ ruleId: rule.id }} className="user-text">
                  {rule.name}
                </Link>{" "}
                <Severity level={LEVEL[rule.outcome]}>{say(rule.outcome)}</Severity>
              </span>
              {rule.problems.map((one) => (
                <span key={`${one.pointer} ${one.reason}`} className="severe t12">
                  {one.reason}
                </span>
              ))}
              <Tree node={rule.conditions} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
