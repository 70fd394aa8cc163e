/**
 * One action: what it is at the left, with its test request; what became of its requests at the right.
 */
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { Pane } from "@/control/state";
import { DeliveriesOf } from "@/delivery/deliveries-of";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton, UsedBy } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { Changed } from "@/settings/changed";
import { useWords } from "@/words/words";

import { actionQuery, PATHS, read, remove, save, Values, valuesOf, type Action } from "./action";
import { ActionFields } from "./fields";
import { Parameters } from "./parameters";
import { TestRequest } from "./test-request";
import { words } from "./words";

const route = getRouteApi("/_app/settings/actions_/$actionId");

export function ActionPage() {
  const say = useWords(words);
  const { actionId } = route.useParams();
  return (
    <DocumentPage id={actionId === "new" ? null : actionId} query={actionQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/settings/actions">{say("toList")}</Link> }}>
      {(action) => action && action.actionType !== "CUSTOM_ACTION" ? <BuiltIn action={action} /> : <Form key={actionId} action={action} />}
    </DocumentPage>
  );
}

function BuiltIn({ action }: { action: Action }) {
  const say = useWords(words);
  return (
    <>
      <SettingsHead title={action.name} within={{ to: "/settings/actions", name: say("title") }} facts={<span className="badge">{say("builtIn")}</span>} />
      <div className={classes.page} data-alone>
        <div>
          <p className={classes.note}>{say("builtInText")}</p>
          <Part title={say("usedBy")}>
            <UsedBy document={action} />
          </Part>
        </div>
      </div>
    </>
  );
}

function Form({ action }: { action: Action | null }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const toList = () => void navigate({ to: "/settings/actions" });
  const form = useDocumentForm({
    document: action,
    schema: Values,
    valuesOf,
    paths: PATHS,
    save,
    read,
    saved: useSaved(actionQuery, (id) => void navigate({ to: "/settings/actions/$actionId", params: { actionId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base } = form;
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/settings/actions", name: say("title") }} facts={base ? <Changed document={base} /> : null}>
        {base ? <RemoveButton document={{ ...base, usedBy: action?.usedBy, usedByCount: action?.usedByCount }} remove={() => remove(base)} done={toList} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={classes.page} data-wide>
        <div>
          <DocumentFields form={form} valuesOf={valuesOf} named={(field) => (Object.hasOwn(NAMED, field) ? say(NAMED[field as keyof typeof NAMED]) : field)}>
            <ActionFields form={form} id={base?.id ?? null} />
            <Parameters form={form} />
          </DocumentFields>
          <TestRequest action={base} dirty={form.dirty} />
        </div>
        <div className={classes.beside}>
          {base ? (
            <>
              <Pane>
                <DeliveriesOf actionId={base.id} />
              </Pane>
              <Part title={say("usedBy")}>
                <UsedBy document={action ?? base} />
              </Part>
              <Pane>
                <Versions
                  kind="actions"
                  id={base.id}
                  revision={base.revision}
                  named={(field) => (Object.hasOwn(NAMED, field) ? say(NAMED[field as keyof typeof NAMED]) : field)}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/actions/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/actions/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
                  restored={async () => form.begin(await read(base.id))}
                />
              </Pane>
            </>
          ) : (
            <p className={classes.note}>{say("testNew")}</p>
          )}
        </div>
      </div>
    </>
  );
}

const NAMED = { name: "name", description: "description", appliesToAllItemsOfKind: "kinds", itemTypeIds: "types", reverseActionId: "reverse", callbackUrl: "callbackUrl", callbackUrlHeaders: "headers", callbackUrlBody: "body", penalty: "penalty", applyUserStrikes: "strikes", parameters: "parameters" } as const;
