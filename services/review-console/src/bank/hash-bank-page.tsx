/** One hash bank: its form and its hashes at the left; adding, looking up, copies seen at the right. */
import { NumberInput, Switch, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { Pane } from "@/control/state";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import shared from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { AddHashes } from "./hash-add";
import { Contents } from "./hash-contents";
import { Copies } from "./hash-copies";
import { LookUp } from "./hash-look-up";
import { hashBankQuery, read, save, Values, valuesOf, type HashBank } from "./hash";
import { words } from "./hash-words";
import { UsedByRules } from "./used-by";
import { words as bankWords } from "./words";

const route = getRouteApi("/_app/banks_/hash/$bankId");
const NAMED = Object.keys(Values.def.shape) as (keyof Values)[];

export function HashBankPage() {
  const say = useWords(bankWords);
  const { bankId } = route.useParams();
  return (
    <DocumentPage id={bankId === "new" ? null : bankId} query={hashBankQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/banks" search={{ kind: "hash" }}>{say("toList")}</Link> }}>
      {(bank) => <Form key={bankId} bank={bank} />}
    </DocumentPage>
  );
}

function Form({ bank }: { bank: HashBank | null }) {
  const say = useWords(words);
  const sayBank = useWords(bankWords);
  const navigate = useNavigate();
  const mayChange = usePermission("MUTATE_LIVE_RULES");
  const maySeek = usePermission("VIEW_CHILD_SAFETY_DATA") || mayChange;
  const form = useDocumentForm({
    document: bank,
    schema: Values,
    valuesOf,
    paths: NAMED,
    save,
    read,
    saved: useSaved(hashBankQuery, (id) => void navigate({ to: "/banks/hash/$bankId", params: { bankId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base, input } = form;
  const named = (field: string) => (NAMED.some((one) => one === field) ? say(field as "name") : field);
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/banks", search: { kind: "hash" }, name: sayBank("title") }} facts={base ? <><span className="badge">{base.knownGood ? say("knownGood") : sayBank("hash")}</span> <Changed document={base} /></> : null}>
        {mayChange ? (
          <>
            {base ? <RemoveButton document={base} remove={() => take(api.DELETE("/v1/hash-banks/{document_id}", { params: { path: { document_id: base.id } } }))} done={() => void navigate({ to: "/banks", search: { kind: "hash" } })} /> : null}
            <SaveButtons form={form} />
          </>
        ) : (
          <span className="dim t12">{sayBank("mayNot", { needs: calledBy("MUTATE_LIVE_RULES") })}</span>
        )}
      </SettingsHead>
      <div className={shared.page}>
        <div className={classes.entries}>
          <DocumentFields form={form} valuesOf={valuesOf} named={named}>
            <div className={shared.lines}>
              <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
              <TextInput {...input("description")} size="xs" label={say("description")} />
              <NumberInput {...input("enabledRatio")} size="xs" label={say("enabledRatio")} description={say("ratioHint")} suffix=" %" min={0} max={100} decimalScale={2} />
              {base === null ? <Switch {...form.form.getInputProps("knownGood", { type: "checkbox" })} size="xs" label={say("knownGood")} description={say("knownGoodHint")} /> : null}
            </div>
          </DocumentFields>
          {base ? (
            <Pane>
              <Contents bank={base} mayChange={mayChange} />
            </Pane>
          ) : null}
        </div>
        <div className={shared.beside}>
          {base ? (
            <>
              {mayChange ? (
                <Pane>
                  <AddHashes bank={base} />
                </Pane>
              ) : null}
              <Pane>
                <LookUp />
              </Pane>
              {maySeek ? (
                <Pane>
                  <Copies bank={base} />
                </Pane>
              ) : null}
              <Part title={say("inUse")}>
                <UsedByRules document={bank ?? base} />
              </Part>
              <Pane>
                <Versions
                  kind="hash-banks"
                  id={base.id}
                  revision={base.revision}
                  named={named}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/hash-banks/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/hash-banks/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
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
