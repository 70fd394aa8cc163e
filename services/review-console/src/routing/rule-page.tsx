/** One routing rule: its form at the left; what uses it, its end and its versions at the right. */
import { MultiSelect, SegmentedControl, Select, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Pane } from "@/control/state";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Changed } from "@/settings/changed";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm, type DocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { useWords } from "@/words/words";

import { useNamedAsks } from "./asks";
import { ConditionPart } from "./condition-part";
import { read, ruleQuery, save, Values, valuesOf, type RoutingRule } from "./routing";
import { words } from "./words";

const route = getRouteApi("/_app/routing_/$ruleId");
const NAMED = Object.keys(Values.def.shape) as (keyof Values)[];

export function RoutingRulePage() {
  const say = useWords(words);
  const { ruleId } = route.useParams();
  return (
    <DocumentPage id={ruleId === "new" ? null : ruleId} query={ruleQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/routing">{say("toList")}</Link> }}>
      {(rule) => <Form key={ruleId} rule={rule} />}
    </DocumentPage>
  );
}

function Form({ rule }: { rule: RoutingRule | null }) {
  const say = useWords(words);
  const names = useNames();
  const asks = useNamedAsks();
  const navigate = useNavigate();
  const mayChange = usePermission("MANAGE_ROUTING_RULES");
  const forAppeals = route.useSearch().appeals ?? false;
  const toList = (appeals: boolean) => void navigate({ to: "/routing", search: { appeals: appeals || undefined } });
  const form = useDocumentForm({
    document: rule,
    schema: Values,
    valuesOf: (document) => valuesOf(document, forAppeals),
    paths: NAMED,
    save,
    read,
    saved: useSaved(ruleQuery, (id) => void navigate({ to: "/routing/$ruleId", params: { ruleId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base } = form;
  const named = (field: string) => (NAMED.some((one) => one === field) ? say(field as "name") : field);
  const valued = (field: string, value: string) => (field === "destinationQueueId" ? names.queue(value) : field === "itemTypeIds" ? names.itemType(value) : value);
  // A condition is compared in words.
  const compared = (values: Values) => ({ ...values, conditionSet: values.conditionSet === null ? null : asks({ conditionSet: values.conditionSet }) });
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/routing", name: say("title") }} facts={base ? <Changed document={base} /> : null}>
        {mayChange ? (
          <>
            {base ? <RemoveButton document={base} remove={() => take(api.DELETE("/v1/routing-rules/{document_id}", { params: { path: { document_id: base.id } } }))} done={() => toList(base.forAppeals ?? false)} /> : null}
            <SaveButtons form={form} />
          </>
        ) : (
          <span className="dim t12">{say("mayNot", { needs: calledBy("MANAGE_ROUTING_RULES") })}</span>
        )}
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={(document) => compared(valuesOf(document))} mine={compared(form.form.values)} named={named} valued={valued}>
            <RoutingFields form={form} />
            <ConditionPart form={form} />
          </DocumentFields>
        </div>
        <div className={classes.beside}>
          {base ? (
            <>
              {base.warnings && base.warnings.length > 0 ? (
                <Part title={say("warnings")}>
                  <ul className="t13">
                    {base.warnings.map((one) => (
                      <li key={`${one.pointer} ${one.reason}`}>{one.reason}</li>
                    ))}
                  </ul>
                </Part>
              ) : null}
              <Pane>
                <Versions
                  kind="routing-rules"
                  id={base.id}
                  revision={base.revision}
                  named={named}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/routing-rules/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/routing-rules/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
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

function RoutingFields({ form }: { form: DocumentForm<RoutingRule, Values> }) {
  const say = useWords(words);
  const names = useNames();
  const { input } = form;
  const { forAppeals, destinationQueueId } = form.form.values;
  const queues = names.queues.filter((one) => (one.isAppealsQueue ?? false) === forAppeals || one.id === destinationQueueId);
  return (
    <div className={classes.lines}>
      <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
      <TextInput {...input("description")} size="xs" label={say("description")} placeholder={say("descriptionHint")} />
      <Select {...input("status")} size="xs" label={say("status")} allowDeselect={false} data={[{ value: "DRAFT", label: say("statusDraft") }, { value: "LIVE", label: say("statusLive") }]} />
      <div className={classes.line}>
        <span>{say("forAppeals")}</span>
        <span>
          <SegmentedControl
            size="xs"
            aria-label={say("forAppeals")}
            style={{ justifySelf: "start" }}
            value={String(forAppeals)}
            data={[{ value: "false", label: say("reports") }, { value: "true", label: say("appeals") }]}
            onChange={(value) => form.form.setValues({ forAppeals: value === "true", destinationQueueId: null })}
          />
          <span className="dim t12">{say("forAppealsHint")}</span>
        </span>
      </div>
      <Faults of={faultsUnder(form, "forAppeals")} />
      <MultiSelect {...input("itemTypeIds")} error={faultsUnder(form, "itemTypeIds")[0]} size="xs" label={say("itemTypeIds")} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} searchable />
      <Select {...input("destinationQueueId")} size="xs" label={say("destinationQueueId")} data={queues.map((one) => ({ value: one.id, label: one.name }))} searchable />
    </div>
  );
}
