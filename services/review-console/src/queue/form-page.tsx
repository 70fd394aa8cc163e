/** One queue: its form at the left; what is in it, its end and its versions at the right. */
import { Button } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Pane } from "@/control/state";
import { calledBy } from "@/session/permission";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { UsedBy } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { useWords } from "@/words/words";

import { queueQuery, read, save, Values, valuesOf, type Queue } from "./form";
import { Contents, RemoveQueue } from "./form-contents";
import { QueueFields } from "./form-fields";
import { words } from "./form-words";

const route = getRouteApi("/_app/settings/queues_/$queueId");
const NAMED = Object.keys(Values.def.shape) as (keyof Values)[];

export function QueueFormPage() {
  const say = useWords(words);
  const { queueId } = route.useParams();
  return (
    <DocumentPage id={queueId === "new" ? null : queueId} query={queueQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/settings/queues">{say("toList")}</Link> }}>
      {(queue) => <Form key={queueId} queue={queue} />}
    </DocumentPage>
  );
}

function Form({ queue }: { queue: Queue | null }) {
  const say = useWords(words);
  const names = useNames();
  const navigate = useNavigate();
  const toList = () => void navigate({ to: "/settings/queues" });
  const form = useDocumentForm({
    document: queue,
    schema: Values,
    valuesOf,
    paths: NAMED,
    save,
    read,
    saved: useSaved(queueQuery, (id) => void navigate({ to: "/settings/queues/$queueId", params: { queueId: id }, replace: true, ignoreBlocker: true })),
  });
  const { base } = form;
  const named = (field: string) => (field === "weights" ? say("WEIGHTED") : field === "clearReportsDisposition" ? say("disposition") : field === "clearReportsScope" ? say("scope") : field === "clearReportsTriggerActionIds" ? say("clear") : NAMED.some((one) => one === field) ? say(field as "name") : field);
  const valued = (field: string, value: string) => (/ActionIds$/.test(field) ? names.action(value) : field === "reviewerRoles" ? calledBy(value) : value);
  return (
    <>
      <SettingsHead title={base?.name ?? say("newTitle")} within={{ to: "/settings/queues", name: say("title") }} facts={base ? <Changed document={base} /> : null}>
        {base ? (
          <Button size="xs" variant="subtle" onClick={() => void navigate({ to: "/queues/$queueId", params: { queueId: base.id } })}>
            {say("toQueue")}
          </Button>
        ) : null}
        {base && !base.isDefaultQueue ? <RemoveQueue queue={base} done={toList} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={classes.page}>
        <div>
          <DocumentFields form={form} valuesOf={valuesOf} named={named} valued={valued}>
            <QueueFields form={form} />
          </DocumentFields>
        </div>
        <div className={classes.beside}>
          {base ? (
            <>
              <Pane>
                <Contents queue={base} />
              </Pane>
              <Part title={say("usedBy")}>
                <UsedBy document={queue ?? base} />
              </Part>
              <Pane>
                <Versions
                  kind="queues"
                  id={base.id}
                  revision={base.revision}
                  named={named}
                  dirty={form.dirty}
                  load={() => take(api.GET("/v1/queues/{document_id}/revisions", { params: { path: { document_id: base.id }, query: { limit: 20 } } }))}
                  restore={(revision) => take(api.POST("/v1/queues/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: base.id, revision } } }))}
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
