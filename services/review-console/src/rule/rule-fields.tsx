/** What a rule is beside its conditions: what it looks at; what follows, within which limits, until when. */
import { MultiSelect, NumberInput, SegmentedControl, TagsInput, TextInput } from "@mantine/core";
import { useId } from "react";

import { ParameterFields } from "@/action/parameter-fields";
import type { Names } from "@/configuration/names";
import settings from "@/settings/settings.module.css";
import { clearUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import classes from "./builder.module.css";
import { words } from "./builder-words";
import { statusesFrom, type Values } from "./draft";
import type { Rule } from "./query";
import { words as ruleWords } from "./words";

interface Props {
  readonly form: DocumentForm<Rule, Values>;
  readonly names: Names;
  readonly faults: readonly { readonly pointer: string; readonly reason: string }[];
  readonly part: "first" | "then";
}
type Field = keyof Values & string;

export function RuleFields({ form, names, faults, part }: Props) {
  const say = useWords(words);
  const sayStatus = useWords(ruleWords);
  const status = useId();
  const values = form.form.values;
  const faultOf = (field: string) => {
    const of = faults.filter(({ pointer }) => pointer === `/${field}` || pointer.startsWith(`/${field}/`)).map(({ reason }) => reason);
    return of.length > 0 ? [...new Set(of)].join("; ") : undefined;
  };
  const set = <F extends Field>(field: F, value: Values[F]) => {
    clearUnder(form, field);
    form.form.setFieldValue(field, value as never);
  };
  const base = (field: Field) => ({ size: "xs" as const, label: say(`field_${field}`), error: faultOf(field) });
  if (part === "first") {
    return (
      <div className={settings.lines}>
        <TextInput {...base("name")} value={values.name} onChange={(event) => set("name", event.currentTarget.value)} autoComplete="off" data-1p-ignore />
        <MultiSelect {...base("itemTypeIds")} placeholder={values.itemTypeIds.length === 0 ? say("typesHint") : undefined} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} value={values.itemTypeIds} onChange={(next) => set("itemTypeIds", next)} searchable />
      </div>
    );
  }
  const bound = (field: "maxDailyActions" | "maxActionsPerMinute" | "maxUsersPerHour") => <NumberInput {...base(field)} placeholder={say("noBound")} value={values[field]} onChange={(next) => set(field, typeof next === "number" ? next : "")} min={1} allowDecimal={false} />;
  return (
    <div className={settings.lines}>
      <h2>{say("then")}</h2>
      <MultiSelect {...base("actionIds")} placeholder={values.actionIds.length === 0 ? say("actionsHint") : undefined} data={names.actions.map((one) => ({ value: one.id, label: one.name }))} value={values.actionIds} onChange={(next) => set("actionIds", next)} searchable />
      <ParameterFields actions={names.actions} chosen={values.actionIds} told={values.actionParameters} set={(next) => set("actionParameters", next)} faultOf={(id, name) => faultOf(`actionParameters/${id}/${name}`)} />
      <MultiSelect {...base("policyIds")} data={names.policies.map((one) => ({ value: one.id, label: names.policy(one.id) }))} value={values.policyIds} onChange={(next) => set("policyIds", next)} searchable />
      {bound("maxDailyActions")}
      {bound("maxActionsPerMinute")}
      {bound("maxUsersPerHour")}
      <TextInput {...base("expirationTime")} type="datetime-local" className={classes.moment} value={localOf(values.expirationTime)} onChange={(event) => set("expirationTime", event.currentTarget.value === "" ? null : new Date(event.currentTarget.value).toISOString())} />
      <TagsInput {...base("tags")} value={values.tags} onChange={(next) => set("tags", next)} />
      <TextInput {...base("description")} value={values.description} onChange={(event) => set("description", event.currentTarget.value)} />
      <div className={settings.line}>
        <span id={status}>{say("field_status")}</span>
        <div className={classes.saved}>
          <SegmentedControl size="xs" aria-labelledby={status} data={statusesFrom(form.base?.status ?? "DRAFT").map((value) => ({ value: value as string, label: sayStatus(value) }))} value={values.status} onChange={(next) => set("status", next as Values["status"])} />
          <p className="dim t12">{say(form.base?.status === "LIVE" && values.status === "LIVE" ? "liveHint" : "statusHint")}</p>
        </div>
      </div>
    </div>
  );
}

function localOf(instant: string | null): string {
  const at = new Date(instant ?? "");
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
