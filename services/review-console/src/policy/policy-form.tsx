/** One policy: what it says, to people and to reviewers, how grave it is, what it counts. */
import { Button, Checkbox, NumberInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { IconPlus } from "@tabler/icons-react";
import { useId } from "react";

import { api, take } from "@/api/client";
import { policyPath } from "@/configuration/names";
import { policiesQuery } from "@/configuration/query";
import { Pane } from "@/control/state";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton, UsedBy } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { useWords } from "@/words/words";

import { MarkdownField } from "./markdown-field";
import { HARMS, parentsFor, PENALTIES, policyQuery, read, remove, save, Values, valuesOf, type Policy } from "./policy";
import own from "./policy.module.css";
import { words } from "./words";

const NAMED = { name: "name", parentId: "parent", policyText: "policyText", enforcementGuidelines: "guidelines", penalty: "penalty", userStrikeCount: "userStrikeCount", applyStrikesToSubPolicies: "applyStrikes", reviewWithinMinutes: "clock", policyType: "policyType" } as const;

/** `id`: null for a new one; `parent`: below which it begins. */
export function PolicyForm({ id, parent }: { id: string | null; parent: string | null }) {
  const say = useWords(words);
  return (
    <DocumentPage id={id} query={policyQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/policies">{say("toTree")}</Link> }}>
      {(policy) => <Form policy={policy} parent={parent} />}
    </DocumentPage>
  );
}

function Form({ policy, parent }: { policy: Policy | null; parent: string | null }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const { data: policies = [] } = useQuery(policiesQuery);
  const penalty = useId();
  const begin = (document: Policy | null) => ({ ...valuesOf(document), ...(document === null ? { parentId: parent } : {}) });
  const form = useDocumentForm({
    document: policy,
    schema: Values,
    valuesOf: begin,
    save,
    read,
    saved: useSaved(policyQuery, (id) => void navigate({ to: "/policies/$policyId", params: { policyId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base, input } = form;
  const values = form.form.values;
  const named = (field: string) => (Object.hasOwn(NAMED, field) ? say(NAMED[field as keyof typeof NAMED]) : field);
  const above = parentsFor(policies, base?.id ?? null).map((one) => ({ value: one.id, label: policyPath(policies, one.id) }));
  const text = (field: "policyText" | "enforcementGuidelines") => {
    const { error } = input(field) as { error?: string };
    return { value: values[field], onChange: (next: string) => form.form.setFieldValue(field, next), error };
  };
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/policies", name: say("title") }} facts={base ? <Changed document={base} /> : null}>
        {base ? (
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden="true" />} onClick={() => void navigate({ to: "/policies/$policyId", params: { policyId: "new" }, search: { parent: base.id } })}>
            {say("newUnder")}
          </Button>
        ) : null}
        {base ? <RemoveButton document={{ ...base, usedBy: policy?.usedBy, usedByCount: policy?.usedByCount }} remove={() => remove(base)} done={() => void navigate({ to: "/policies" })} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <DocumentFields form={form} valuesOf={valuesOf} named={named} valued={(field, value) => (field === "parentId" ? policyPath(policies, value) : value)}>
        <div className={classes.lines}>
          <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
          <Select {...input("parentId")} size="xs" label={say("parent")} placeholder={say("parentNone")} data={above} searchable clearable />
          <MarkdownField label={say("policyText")} hint={say("policyTextHint")} {...text("policyText")} />
          <MarkdownField label={say("guidelines")} hint={say("guidelinesHint")} {...text("enforcementGuidelines")} />
          <div className={classes.line}>
            <span id={penalty}>{say("penalty")}</span>
            <div>
              <SegmentedControl {...input("penalty")} size="xs" aria-labelledby={penalty} className={own.start} data={PENALTIES.map((value) => ({ value, label: say(value) }))} />
            </div>
          </div>
          <NumberInput {...input("userStrikeCount")} size="xs" label={say("userStrikeCount")} description={say("strikesHint")} min={0} allowDecimal={false} />
          <div className={classes.line}>
            <span />
            <div>
              <Checkbox {...form.form.getInputProps("applyStrikesToSubPolicies", { type: "checkbox" })} size="xs" label={say("applyStrikes")} />
            </div>
          </div>
          <NumberInput {...input("reviewWithinMinutes")} size="xs" label={say("clock")} description={say("clockHint")} min={1} allowDecimal={false} thousandSeparator="," />
          <Select {...input("policyType")} size="xs" label={say("policyType")} description={say("policyTypeHint")} placeholder={say("policyTypeNone")} data={HARMS.map((value) => ({ value: value as string, label: say(value) }))} clearable />
        </div>
      </DocumentFields>
      {base ? (
        <>
          <Part title={say("usedBy")}>
            <UsedBy document={policy ?? base} />
          </Part>
          <Pane>
            <Versions
              kind="policies"
              id={base.id}
              revision={base.revision}
              named={named}
              dirty={form.dirty}
              load={() => take(api.GET("/v1/policies/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
              restore={(revision) => take(api.POST("/v1/policies/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
              restored={async () => form.begin(await read(base.id))}
            />
          </Pane>
        </>
      ) : null}
    </>
  );
}
