/** One integration: my account with it at the left; a trial, what it brings and its card at the right. */
import { JsonInput, PasswordInput, Switch, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { InertButton } from "@/control/inert";
import { Pane, Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { Severity, type Level } from "@/look/severity";
import { Changed } from "@/settings/changed";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm, type DocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { words as shared } from "@/settings/words";
import { useWords } from "@/words/words";

import { bodyOf, integrationQuery, isSecret, save, unreadable, Values, valuesOf, type Account, type Available, type Field } from "./integration";
import own from "./integration.module.css";
import { StateMark } from "./integrations-page";
import { words } from "./words";

const route = getRouteApi("/_app/settings/integrations_/$integrationId");
const LIST = "/settings/integrations";
const NOTHING: readonly Field[] = [];

export function IntegrationPage() {
  const say = useWords(words);
  const { integrationId } = route.useParams();
  return (
    <DocumentPage id={integrationId} query={integrationQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to={LIST}>{say("toList")}</Link> }}>
      {/* Made or forgotten, it is another form. */}
      {(available) => (available ? <Form key={`${integrationId} ${String(available.account !== null)}`} available={available} /> : null)}
    </DocumentPage>
  );
}

function Form({ available }: { available: Available }) {
  const say = useWords(words);
  const sayShared = useWords(shared);
  const { id, manifest, account } = available;
  const fields = manifest?.configFields ?? NOTHING;
  const name = manifest?.name ?? id;
  const renew = async () => {
    await queries.invalidateQueries({ queryKey: ["configuration"] });
  };
  const form = useDocumentForm<Account, Values>({
    document: account,
    schema: Values,
    valuesOf: (one) => valuesOf(one, fields),
    paths: ["enabled", "credential", "config"],
    save: (values, base) => save(id, bodyOf(values, base, fields), base),
    read: async () => {
      const now = await take(api.GET("/v1/integrations/{document_id}", { params: { path: { document_id: id } } }));
      if (now.account === null) throw new Error("forgotten meanwhile");
      return now.account;
    },
    saved: (kept) => {
      queries.setQueryData(integrationQuery(id).queryKey, { ...available, account: kept });
      toast(sayShared("savedToast", { name }));
      void renew();
    },
  });
  const { base } = form;
  const named = (field: string) => (field === "enabled" || field === "config" || field === "credential" ? say(field) : field);
  return (
    <>
      <SettingsHead title={name} within={{ to: LIST, name: say("title") }} facts={<><StateMark of={{ ...available, account: base }} /> {base ? <Changed document={base} /> : null}</>}>
        {base ? <RemoveButton document={{ ...base, name }} remove={() => take(api.DELETE("/v1/integrations/{document_id}", { params: { path: { document_id: id } } }))} done={() => void renew()} /> : null}
        {manifest && (fields.length > 0 || manifest.requiresConfig) ? <SaveButtons form={form} /> : null}
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={(one) => ({ enabled: one.enabled, config: one.config })} mine={{ enabled: form.form.values.enabled, config: unreadable(form.form.values, fields).length > 0 ? form.form.values.config : bodyOf(form.form.values, base, fields).config }} named={named}>
            <AccountFields form={form} fields={fields} />
          </DocumentFields>
          {manifest ? <Card of={manifest} /> : null}
        </div>
        <div className={classes.beside}>
          <Pane>
            <Trial id={id} hasAccount={base !== null} dirty={form.dirty} />
          </Pane>
          {manifest ? (
            <Pane>
              <Brings names={manifest.signals} />
            </Pane>
          ) : null}
          {base ? (
            <Pane>
              <Versions
                kind="integrations"
                id={id}
                revision={base.revision}
                named={named}
                dirty={form.dirty}
                load={() => take(api.GET("/v1/integrations/{document_id}/revisions", { params: { path: { document_id: id }, query: { limit: 20 } } }))}
                restore={(revision) => take(api.POST("/v1/integrations/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: id, revision } } }))}
                restored={async () => {
                  const now = await take(api.GET("/v1/integrations/{document_id}", { params: { path: { document_id: id } } }));
                  if (now.account) form.begin(now.account);
                }}
              />
            </Pane>
          ) : null}
        </div>
      </div>
    </>
  );
}

function AccountFields({ form, fields }: { form: DocumentForm<Account, Values>; fields: readonly Field[] }) {
  const say = useWords(words);
  const { values } = form.form;
  const kept = form.base?.credentialNames ?? [];
  const wrong = unreadable(values, fields);
  const label = (field: Field) => (field.required ? say("neededField", { label: field.label }) : field.label);
  const fault = (field: Field) => faultsUnder(form, `${isSecret(field) ? "credential" : "config"}.${field.key}`)[0] ?? (wrong.includes(field.key) ? say("jsonNot") : undefined);
  return (
    <Part title={say("account")}>
      <div className={classes.lines} data-bare>
        <Switch {...form.form.getInputProps("enabled", { type: "checkbox" })} size="xs" label={say("enabled")} description={say("enabledHint")} />
        {fields.map((field) => {
          if (isSecret(field)) {
            const props = form.input(`secrets.${field.key}`);
            return <PasswordInput key={field.key} {...props} size="xs" className={own.mono} label={label(field)} description={field.description || say("secretHint")} placeholder={kept.includes(field.key) ? say("kept") : undefined} error={fault(field)} autoComplete="off" data-1p-ignore />;
          }
          const props = form.input(`config.${field.key}`);
          if (field.inputType === "json") return <JsonInput key={field.key} {...props} size="xs" className={own.mono} label={label(field)} description={field.description} error={fault(field)} autosize minRows={3} maxRows={12} spellCheck={false} />;
          if (field.inputType === "array") return <Textarea key={field.key} {...props} size="xs" className={own.mono} label={label(field)} description={[field.description, say("arrayHint")].filter(Boolean).join(" ")} error={fault(field)} autosize minRows={3} maxRows={12} spellCheck={false} />;
          return <TextInput key={field.key} {...props} size="xs" label={label(field)} description={field.description} error={fault(field)} />;
        })}
        <Faults of={[...faultsUnder(form, "credential", fields.map(({ key }) => key)), ...faultsUnder(form, "config", fields.map(({ key }) => key))]} />
      </div>
    </Part>
  );
}

/** What each verdict means for the credentials. */
const LEVELS: Readonly<Record<string, Level>> = { OK: "done", CANNOT_TRY: "none", RATE_LIMITED: "medium", SLOW: "medium", FAILING: "medium", NOT_CONFIGURED: "high" };

function Trial({ id, hasAccount, dirty }: { id: string; hasAccount: boolean; dirty: boolean }) {
  const say = useWords(words);
  const test = useMutation({ mutationFn: () => take(api.POST("/v1/integrations/{document_id}/trial", { params: { path: { document_id: id } } })) });
  const why = !hasAccount ? say("tryNone") : dirty ? say("tryUnsaved") : null;
  const run = () => (why === null && !test.isPending ? test.mutate() : undefined);
  useCommand({ id: "integration.try", scope: "page", keys: "T", label: say("tryKey"), enabled: why === null, run });
  return (
    <Part title={say("try")}>
      <p className="dim t12">{say("tryHint")}</p>
      <span>
        <InertButton why={why} size="xs" loading={test.isPending} onClick={run} rightSection={<Keys of="integration.try" fallback="T" />}>
          {say("try")}
        </InertButton>
      </span>
      <div role="status" className="t13">
        {test.error ? (
          <Problem error={test.error} />
        ) : test.data ? (
          <>
            <Severity level={LEVELS[test.data.verdict] ?? "severe"}>{say(test.data.verdict)}</Severity>
            {test.data.reason ? <p className="dim">{test.data.reason}</p> : null}
          </>
        ) : null}
      </div>
    </Part>
  );
}

function Brings({ names }: { names: readonly string[] }) {
  const say = useWords(words);
  const signals = useQuery({ queryKey: ["configuration", "signals"], staleTime: 30_000, retry: false, queryFn: ({ signal }) => take(api.GET("/v1/signals", { signal })) }).data?.items ?? [];
  return (
    <Part title={say("brings")} facts={names.length > 0 ? names.length : null}>
      {names.length === 0 ? <p className="dim t13">{say("bringsNone")}</p> : null}
      <ul className={own.signals}>
        {names.map((name) => {
          const signal = signals.find((one) => one.name === name);
          return (
            <li key={name}>
              <span className="med">{signal?.displayName || name}</span> {signal && !signal.available ? <span className="dim t12">{say("unavailable", { reason: signal.reason ?? "" })}</span> : null}
            </li>
          );
        })}
      </ul>
    </Part>
  );
}

const CARD = ["policyAndTaxonomy", "biasAndLimitations", "implementationGuidance", "performanceBenchmarks", "trainingData", "annotationMethodology"] as const;

function Card({ of }: { of: NonNullable<Available["manifest"]> }) {
  const say = useWords(words);
  const links = [...new Set([of.docsUrl, ...of.modelCard.relevantLinks])].filter((one) => /^https:\/\//.test(one));
  return (
    <Part title={say("card")}>
      <dl className={own.card}>
        {CARD.map((name) => (
          <div key={name}>
            <dt>{say(name)}</dt>
            <dd>{of.modelCard[name]}</dd>
          </div>
        ))}
        {links.length > 0 ? (
          <div>
            <dt>{say("relevantLinks")}</dt>
            {links.map((link) => (
              <dd key={link}>
                <a href={link} target="_blank" rel="noreferrer">
                  {link}
                </a>
              </dd>
            ))}
          </div>
        ) : null}
      </dl>
    </Part>
  );
}
