/** The organisation's settings: one document, in parts. */
import { NumberInput, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import { HeadersField } from "@/settings/headers-field";
import classes from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm, type DocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { words as shared } from "@/settings/words";
import { settingsQuery } from "@/wellness/organisation";
import { useWords } from "@/words/words";

import { PATHS, read, save, SWITCHES, Values, valuesOf, type Name, type Settings } from "./settings";
import { words } from "./words";

export function SettingsPage() {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  return data ? <Form settings={data} /> : <Skeleton lines={12} />;
}

/** Fields whose name in the catalogue is another one. */
const NAMED: Partial<Record<Name, "headers" | "appealBody">> = { ignoreCallbackHeaders: "headers", appealCallbackHeaders: "headers", partialItemsHeaders: "headers", appealCallbackBody: "appealBody" };

function Form({ settings }: { settings: Settings }) {
  const say = useWords(words);
  const sayShared = useWords(shared);
  const form = useDocumentForm({
    document: settings,
    schema: Values,
    valuesOf,
    paths: PATHS,
    save,
    read,
    saved: (kept) => {
      queries.setQueryData(settingsQuery.queryKey, kept);
      // What pages need of it is in the session.
      void queries.invalidateQueries({ queryKey: ["session"] });
      toast(sayShared("savedToast", { name: kept.name }));
    },
  });
  const base = form.base ?? settings;
  const named = (field: string) => (PATHS.some((one) => one === field) ? say(NAMED[field as Name] ?? (field as "name")) : field);
  return (
    <>
      <SettingsHead title={say("title")} facts={<Changed document={base} />}>
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={valuesOf} named={named}>
            <Sections form={form} />
          </DocumentFields>
        </div>
        <div className={classes.beside}>
          <Pane>
            <Versions
              kind="settings"
              id={base.id}
              revision={base.revision}
              named={named}
              dirty={form.dirty}
              load={() => take(api.GET("/v1/settings/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
              restore={(revision) => take(api.POST("/v1/settings/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
              restored={async () => {
                const kept = await read();
                queries.setQueryData(settingsQuery.queryKey, kept);
                form.begin(kept);
              }}
            />
          </Pane>
        </div>
      </div>
    </>
  );
}

function Sections({ form }: { form: DocumentForm<Settings, Values> }) {
  const say = useWords(words);
  const { input } = form;
  const text = (name: "name" | "email" | "websiteUrl" | "onCallAlertEmail" | "timeZone" | "ignoreCallbackUrl" | "appealCallbackUrl" | "partialItemsEndpoint", hint?: string) => <TextInput {...input(name)} size="xs" label={say(name)} description={hint} autoComplete="off" />;
  const count = (name: Name & keyof typeof words.messages, hint?: string, suffix?: string) => <NumberInput {...input(name)} size="xs" label={say(name)} description={hint} min={0} allowDecimal={suffix !== undefined} suffix={suffix} thousandSeparator="," />;
  const toggle = (name: Name & keyof typeof words.messages, hint?: string) => (
    <div key={name} className={classes.line}>
      <span />
      <div>
        <Switch {...form.form.getInputProps(name, { type: "checkbox" })} size="xs" label={say(name)} description={hint} />
      </div>
    </div>
  );
  const headers = (name: "ignoreCallbackHeaders" | "appealCallbackHeaders" | "partialItemsHeaders") => <HeadersField label={say("headers")} rows={form.form.values[name]} set={(rows) => form.form.setFieldValue(name, rows)} faults={faultsUnder(form, name)} />;
  return (
    <>
      <Part title={say("organisation")}>
        <div className={classes.lines} data-bare>
          {text("name")}
          {text("email")}
          {text("websiteUrl")}
          {text("onCallAlertEmail", say("onCallHint"))}
          {text("timeZone", say("timeZoneHint"))}
        </div>
      </Part>
      <Part title={say("review")}>
        <div className={classes.lines} data-bare>
          {SWITCHES.map((name) => toggle(name))}
          {count("undoWindow", say("undoHint"))}
          {count("maxHoldHours", say("maxHoldHint"))}
          {count("bulkConfirmationAbove", say("bulkHint"))}
          {text("ignoreCallbackUrl", say("ignoreHint"))}
          {headers("ignoreCallbackHeaders")}
        </div>
      </Part>
      <Part title={say("appeals")}>
        <div className={classes.lines} data-bare>
          {toggle("hasAppealsEnabled")}
          {text("appealCallbackUrl", say("appealHint"))}
          {headers("appealCallbackHeaders")}
          <Writing {...input("appealCallbackBody")} size="xs" lines={[1, 10]} className={classes.monofield} label={say("appealBody")} description={say("appealBodyHint")} spellCheck={false} />
        </div>
      </Part>
      <Part title={say("partial")}>
        <div className={classes.lines} data-bare>
          {text("partialItemsEndpoint", say("partialHint"))}
          {headers("partialItemsHeaders")}
        </div>
      </Part>
      <Part title={say("signIn")}>
        <div className={classes.lines} data-bare>
          {toggle("requiresSecondFactor")}
          {toggle("requiresSingleSignOn", say("singleHint"))}
          {count("sessionHours", say("sessionHoursHint"))}
          {count("sessionIdleMinutes", say("sessionIdleHint"))}
        </div>
      </Part>
      <Part title={say("keeping")}>
        <div className={classes.lines} data-bare>
          {count("itemHistoryDays", say("itemHistoryHint"))}
          {toggle("itemTextSearch")}
          {count("closedJobDays", say("closedJobHint"))}
          {count("recordDays", say("recordHint"))}
          {count("evaluationSample", say("sampleHint"), " %")}
        </div>
      </Part>
      <Part title={say("limits")}>
        <div className={classes.lines} data-bare>
          {count("ruleMaxActionsPerMinute", say("ruleMaxActionsHint"))}
          {count("ruleMaxUsersPerHour")}
          {count("ruleApprovalAbove", say("ruleApprovalHint"))}
        </div>
      </Part>
      <Part title={say("strikes")}>
        <div className={classes.lines} data-bare>
          {count("userStrikeTtlDays", say("strikeHint"))}
        </div>
      </Part>
    </>
  );
}
