/** One item type: its fields at the left; what a change breaks, a sample and its versions at the right. */
import { SegmentedControl, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";

import { api, take } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Pane } from "@/control/state";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton, UsedBy } from "@/settings/remove";
import { RequestSample } from "@/settings/request-sample";
import { itemBody } from "@/settings/sample";
import classes from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { useWords } from "@/words/words";

import { Breaks } from "./breaks";
import { Fields } from "./fields";
import { bodyOf, itemTypeQuery, KINDS, PATHS, read, remove, save, Values, valuesOf, type ItemType } from "./item-type";
import own from "./item-type.module.css";
import { words } from "./words";

const route = getRouteApi("/_app/settings/item-types_/$typeId");
const NAMED = ["name", "description", "kind", "fields", "hiddenFields", "fieldRoles"] as const;

export function ItemTypePage() {
  const say = useWords(words);
  const { typeId } = route.useParams();
  return (
    <DocumentPage id={typeId === "new" ? null : typeId} query={itemTypeQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/settings/item-types">{say("toList")}</Link> }}>
      {(type) => <Form key={typeId} type={type} />}
    </DocumentPage>
  );
}

/** What the list of differences compares: not what a field was called, which only this form knows. */
function comparable(type: ItemType): Values {
  return bodyOf(valuesOf(type)) as unknown as Values;
}

function Form({ type }: { type: ItemType | null }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const kind = useId();
  const form = useDocumentForm({
    document: type,
    schema: Values,
    valuesOf,
    paths: PATHS,
    save,
    read,
    saved: useSaved(itemTypeQuery, (id) => void navigate({ to: "/settings/item-types/$typeId", params: { typeId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base, input } = form;
  const values = form.form.values;
  const named = (field: string) => (NAMED.some((one) => one === field) ? say(field as (typeof NAMED)[number]) : field);
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/settings/item-types", name: say("title") }} facts={base ? <><span className="badge">{say(base.kind)}</span><Changed document={base} /></> : null}>
        {base && !base.isDefaultUserType ? <RemoveButton document={{ ...base, usedBy: type?.usedBy, usedByCount: type?.usedByCount }} remove={() => remove(base)} done={() => void navigate({ to: "/settings/item-types" })} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={comparable} mine={bodyOf(values)} named={named}>
            <div className={classes.lines}>
              <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
              <TextInput {...input("description")} size="xs" label={say("description")} />
              <div className={classes.line}>
                <span id={kind}>{say("kind")}</span>
                <div className={own.kinds}>
                  <SegmentedControl {...input("kind")} size="xs" aria-labelledby={kind} data={KINDS.map((value) => ({ value, label: say(value) }))} />
                  <span className="dim t12">{say(values.kind === "USER" ? "userHint" : values.kind === "THREAD" ? "threadHint" : "contentHint")}</span>
                </div>
              </div>
            </div>
            <Fields form={form} />
          </DocumentFields>
          {base && form.dirty ? <Breaks typeId={base.id} before={valuesOf(base)} after={values} /> : null}
        </div>
        <div className={classes.beside}>
          <Pane>
            <Sample values={values} id={base?.id ?? "…"} />
          </Pane>
          {base ? (
            <>
              <Part title={say("usedBy")}>
                <UsedBy document={type ?? base} />
              </Part>
              <Pane>
                <Versions
                  kind="item-types"
                  id={base.id}
                  revision={base.revision}
                  named={named}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/item-types/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/item-types/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
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

function Sample({ values, id }: { values: Values; id: string }) {
  const say = useWords(words);
  const { itemTypes } = useNames();
  // Of one moment: a sample that changes while it is read cannot be compared.
  const [now] = useState(() => new Date().toISOString());
  const body = itemBody({ ...bodyOf(values), id }, itemTypes, now);
  return (
    <Part title={say("sample")} facts={say("sampleHint")}>
      <RequestSample path="items/async/" body={body} />
    </Part>
  );
}
