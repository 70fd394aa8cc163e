/** A webhook of the action, sent now: what was sent, and what came back. */
import { Select } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { useNames } from "@/configuration/names";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { pathOf } from "@/form/use-problem-form";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { Code, CopyButton } from "@/settings/code";
import { Faults, Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import { valuesOf, type Action, type ParameterRow } from "./action";
import own from "./action.module.css";
import { ValueField } from "./value-field";
import { words } from "./words";

type Json = Schema["JsonValue"];

export function TestRequest({ action, dirty }: { action: Action | null; dirty: boolean }) {
  const say = useWords(words);
  const names = useNames();
  const [typeId, setTypeId] = useState<string | null>(null);
  const [given, setGiven] = useState<Readonly<Record<string, Json | null>>>({});
  const rows = valuesOf(action).parameters;
  const valueOf = (row: ParameterRow) => (Object.hasOwn(given, row.name) ? (given[row.name] ?? null) : row.defaultValue);
  const test = useMutation({
    mutationFn: (id: string) => {
      const parameters = Object.fromEntries(rows.flatMap((row) => (valueOf(row) === null ? [] : [[row.name, valueOf(row) as Json]])));
      return take(api.POST("/v1/actions/{action_id}/test-requests", { params: { path: { action_id: id } }, body: { parameters, itemTypeId: typeId } }));
    },
  });
  const why = dirty ? say("testUnsaved") : null;
  const send = () => (action && why === null && !test.isPending ? test.mutate(action.id) : undefined);
  useCommand({ id: "action.test", scope: "page", keys: "T", label: say("testKey"), enabled: action !== null && why === null, run: send });
  if (!action) return null;
  const faults = asProblem(test.error)?.faults ?? [];
  const faultOf = (name: string) => faults.find(({ pointer }) => pathOf(pointer).startsWith(`parameters.${name}`))?.reason;
  const rest = faults.filter(({ pointer }) => !rows.some((row) => pathOf(pointer).startsWith(`parameters.${row.name}`)));
  const types = names.itemTypes.filter((one) => (action.itemTypeIds ?? []).includes(one.id) || (action.appliesToAllItemsOfKind ?? []).includes(one.kind));
  return (
    <Part
      title={say("test")}
      facts={say("testHint")}
      tools={
        <InertButton size="xs" why={why} loading={test.isPending} onClick={send} leftSection={<IconSend className="icon" aria-hidden="true" />} rightSection={<Keys of="action.test" fallback="T" />}>
          {say("testSend")}
        </InertButton>
      }
    >
      <div className={own.values}>
        <Select size="xs" label={say("testAs")} placeholder={say("testAny")} clearable data={types.map((one) => ({ value: one.id, label: one.name }))} value={typeId} onChange={setTypeId} />
        {rows.map((row) => (
          <ValueField key={row.name} row={row} label={row.displayName} value={valueOf(row)} set={(value) => setGiven({ ...given, [row.name]: value })} error={faultOf(row.name)} />
        ))}
      </div>
      {test.error ? faults.length > 0 ? <Faults of={rest.map((one) => one.reason)} /> : <Problem error={test.error} /> : null}
      {test.data ? <Answer of={test.data} /> : null}
    </Part>
  );
}

function Answer({ of }: { of: Schema["TestRequestView"] }) {
  const say = useWords(words);
  const isFine = of.status !== null && of.status < 300;
  return (
    <>
      <div className={own.answer}>
        <h3>{say("sent")}</h3>
        <span className="dim t12">{say("bytes", { count: new TextEncoder().encode(of.body).length })}</span>
        <span className="end">
          <CopyButton text={of.body} />
        </span>
      </div>
      <Code label={say("sent")} text={pretty(of.body)} />
      <div className={own.answer} role="status">
        <h3>{say("answer")}</h3>
        <Severity level={isFine ? "done" : of.status === null ? "severe" : "high"}>{of.refused ? say("refusedByGuard", { reason: of.error ?? "" }) : of.status === null ? say("noAnswer") : say("answered", { status: of.status, ms: Math.round(of.latencyMs) })}</Severity>
        {of.error && !of.refused ? <span className="user-text">{of.error}</span> : null}
        {of.headers.length > 0 ? <span className="dim t12">{say("answerHeaders", { count: of.headers.length })}</span> : null}
      </div>
      {of.headers.length > 0 || of.response ? <Code label={say("answer")} text={[...of.headers.map(({ name, value }) => `${name}: ${value}`), "", of.response ? pretty(of.response) : say("emptyAnswer")].join("\n")} /> : null}
    </>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
