/** One queue: its form at the left; what is in it, its end and its versions at the right. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { calledBy } from "@/session/permission";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import { UsedBy } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { words as shared } from "@/settings/words";
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
  const isNew = queueId === "new";
  const { data, error, refetch } = useQuery({ ...queueQuery(queueId), enabled: !isNew });
  if (error && !data) {
    if (asProblem(error)?.status !== 404) return <Problem error={error} again={() => void refetch()} />;
    return (
      <Empty title={say("gone")} next={<Link to="/settings/queues">{say("toList")}</Link>}>
        {say("goneText")}
      </Empty>
    );
  }
  return isNew || data ? <Form key={queueId} queue={data ?? null} /> : <Skeleton lines={10} />;
}

function Form({ queue }: { queue: Queue | null }) {
  const say = useWords(words);
  const sayShared = useWords(shared);
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
    saved: (kept, isNew) => {
      queries.setQueryData(queueQuery(kept.id).queryKey, (before) => ({ ...kept, usedBy: before?.usedBy, usedByCount: before?.usedByCount }));
      void queries.invalidateQueries({ queryKey: ["configuration"] });
      toast(sayShared("savedToast", { name: kept.name }));
      if (isNew) void navigate({ to: "/settings/queues/$queueId", params: { queueId: kept.id }, replace: true, ignoreBlocker: true });
    },
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
