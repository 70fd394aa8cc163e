/** One identity provider: its form at the left; what to enter there, and whether it works, at the right. */
import { PasswordInput, SegmentedControl, Switch, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { InertButton } from "@/control/inert";
import { Pane, Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Changed } from "@/settings/changed";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm, type DocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { timeZone, useNow } from "@/time/moment";
import { languageTag, useWords } from "@/words/words";

import { Paste, RoundTrip } from "./round-trip";
import { ending, providerQuery, read, save, Values, valuesOf, type Certificate, type Provider } from "./provider";
import own from "./single-sign-on.module.css";
import { words } from "./words";

const route = getRouteApi("/_app/settings/single-sign-on_/$providerId");
const LIST = "/settings/single-sign-on";
const PATHS = ["scheme", "name", "enabled", "metadataXml", "metadataUrl", "issuer", "clientId", "clientSecret", "emailAttribute"] as const;
type Form = DocumentForm<Provider, Values>;

export function ProviderPage() {
  const say = useWords(words);
  const { providerId } = route.useParams();
  return (
    <DocumentPage id={providerId === "new" ? null : providerId} query={providerQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to={LIST}>{say("toList")}</Link> }}>
      {(provider) => <ProviderForm key={providerId} provider={provider} />}
    </DocumentPage>
  );
}

function ProviderForm({ provider }: { provider: Provider | null }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const form = useDocumentForm({
    document: provider,
    schema: Values,
    valuesOf,
    paths: PATHS,
    save,
    read,
    saved: useSaved(providerQuery, (id) => void navigate({ to: "/settings/single-sign-on/$providerId", params: { providerId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base } = form;
  const named = (field: string) => (PATHS.some((one) => one === field) || field === "entityId" || field === "ssoUrl" || field === "certificates" ? say(field as "name") : field);
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: LIST, name: say("title") }} facts={base ? <><span className="badge">{say(base.scheme)}</span> <Changed document={base} /></> : null}>
        {base ? <RemoveButton document={base} remove={() => take(api.DELETE("/v1/identity-providers/{document_id}", { params: { path: { document_id: base.id } } }))} done={() => void navigate({ to: LIST })} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={valuesOf} named={named}>
            <Fields form={form} />
          </DocumentFields>
        </div>
        <div className={classes.beside}>
          {base ? (
            <>
              <Paste of={base} />
              <Pane>
                <RoundTrip of={base} dirty={form.dirty} />
              </Pane>
              <Pane>
                <Versions
                  kind="identity-providers"
                  id={base.id}
                  revision={base.revision}
                  named={named}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/identity-providers/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/identity-providers/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
                  restored={async () => form.begin(await read(base.id))}
                />
              </Pane>
            </>
          ) : null}
        </div>
      </div>
    </>
  );
}

function Fields({ form }: { form: Form }) {
  const say = useWords(words);
  const { input, base } = form;
  const { scheme } = form.form.values;
  return (
    <>
      <div className={classes.lines}>
        {base ? null : (
          <div className={classes.line}>
            <span>{say("scheme")}</span>
            <span>
              <SegmentedControl {...input("scheme")} size="xs" aria-label={say("scheme")} style={{ justifySelf: "start" }} data={[{ value: "SAML", label: say("SAML") }, { value: "OIDC", label: say("OIDC") }]} />
            </span>
          </div>
        )}
        <TextInput {...input("name")} size="xs" label={say("name")} placeholder={say("nameHint")} autoComplete="off" data-1p-ignore />
        <Switch {...form.form.getInputProps("enabled", { type: "checkbox" })} size="xs" label={say("enabled")} description={say("enabledHint")} />
        <Faults of={[...faultsUnder(form, "enabled"), ...faultsUnder(form, "scheme")]} />
      </div>
      {scheme === "SAML" ? <Saml form={form} /> : <Oidc form={form} />}
      <div className={classes.lines}>
        <TextInput {...input("emailAttribute")} size="xs" label={say("emailAttribute")} description={say(scheme === "SAML" ? "emailAttributeSaml" : "emailAttributeOidc")} />
      </div>
    </>
  );
}

function Saml({ form }: { form: Form }) {
  const say = useWords(words);
  const { input, base } = form;
  const { source, metadataXml, metadataUrl } = form.form.values;
  const look = useMutation({ mutationFn: () => take(api.POST("/v1/identity-provider-metadata", { body: source === "xml" ? { metadataXml: metadataXml.trim() } : { metadataUrl: metadataUrl.trim() } })) });
  const faults = asProblem(look.error)?.faults.map((one) => one.reason) ?? [];
  const given = source === "xml" ? metadataXml : metadataUrl;
  const choices = [...(base ? [{ value: "kept", label: say("byHand") }] : []), { value: "xml", label: say("byXml") }, { value: "url", label: say("byUrl") }];
  const shown = source === "kept" ? base : (look.data ?? null);
  return (
    <Part title={say("metadata")} tools={<SegmentedControl {...input("source")} size="xs" aria-label={say("metadataBy")} data={choices} />}>
      <div className={classes.lines} data-bare>
        {source === "xml" ? <Textarea {...input("metadataXml")} size="xs" className={own.mono} label={say("metadataXml")} description={say("metadataXmlHint")} autosize minRows={5} maxRows={14} spellCheck={false} /> : null}
        {source === "url" ? <TextInput {...input("metadataUrl")} size="xs" type="url" label={say("metadataUrl")} description={say("metadataUrlHint")} /> : null}
        {source === "kept" ? null : (
          <div className={classes.line}>
            <span />
            <span>
              <InertButton why={given.trim() === "" ? say("readNone") : null} size="xs" loading={look.isPending} onClick={() => look.mutate()}>
                {say("read")}
              </InertButton>
            </span>
          </div>
        )}
        <div role="status">{source !== "kept" && look.error ? faults.length > 0 ? <Faults of={faults} /> : <Problem error={look.error} /> : shown ? <Says entityId={shown.entityId} ssoUrl={shown.ssoUrl} certificates={shown.certificates ?? []} /> : null}</div>
      </div>
    </Part>
  );
}

function Says({ entityId, ssoUrl, certificates }: { entityId?: string | null; ssoUrl?: string | null; certificates: readonly Certificate[] }) {
  const say = useWords(words);
  const now = useNow(3600);
  const day = new Intl.DateTimeFormat(languageTag(), { dateStyle: "medium", timeZone: timeZone() });
  return (
    <dl className={own.says}>
      <dt>{say("entityId")}</dt>
      <dd>{entityId}</dd>
      <dt>{say("ssoUrl")}</dt>
      <dd>{ssoUrl}</dd>
      <dt>{say("certificates")}</dt>
      {certificates.map((one) => {
        const left = ending(one, now);
        return (
          <dd key={one.fingerprint}>
            <span>{say("certificate", { subject: one.subject, from: day.format(new Date(one.notBefore)), to: day.format(new Date(one.notAfter)) })}</span> {left ? <Severity level={left === "expired" ? "severe" : "high"}>{say(left)}</Severity> : null}
            <span className="mono dim">{say("fingerprint", { fingerprint: one.fingerprint })}</span>
          </dd>
        );
      })}
    </dl>
  );
}

function Oidc({ form }: { form: Form }) {
  const say = useWords(words);
  const { input, base } = form;
  return (
    <div className={classes.lines}>
      <TextInput {...input("issuer")} size="xs" type="url" label={say("issuer")} description={say("issuerHint")} />
      <TextInput {...input("clientId")} size="xs" label={say("clientId")} autoComplete="off" data-1p-ignore />
      <PasswordInput {...input("clientSecret")} size="xs" label={say("clientSecret")} placeholder={base?.hasClientSecret ? say("secretKept") : undefined} autoComplete="off" data-1p-ignore />
    </div>
  );
}
