/** Queues as their settings: who reviews where, in which order, by which clock. */
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Empty } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Severity } from "@/look/severity";
import { DocumentList } from "@/settings/list";
import { useWords } from "@/words/words";

import { listOf } from "./form";
import { words } from "./form-words";
import { RemovedQueues } from "./removed";

const route = getRouteApi("/_app/settings/queues");

export function QueueFormsPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const [isRemoved, setRemoved] = useState(false);
  const open = (id: string) => void navigate({ to: "/settings/queues/$queueId", params: { queueId: id } });
  return (
    <>
      <DocumentList
        id="queue-settings"
        title={say("title")}
        newName={say("new")}
        query={listOf(search)}
        search={search}
        go={(change) => void navigate({ to: "/settings/queues", replace: true, search: { ...search, ...change } })}
        to={(id) => `/settings/queues/${id}`}
        open={open}
        under={(row) => row.description}
        columns={[
          { id: "state", header: say("state"), width: 112, cell: (row) => <Severity level={row.isPaused ? "medium" : "done"} quiet>{say(row.isPaused ? "paused" : "open")}</Severity> },
          { id: "order", header: say("order"), width: 168, wide: true, cell: (row) => say(row.order ?? "OLDEST_FIRST") },
          { id: "target", header: say("target"), width: 88, numeric: true, wide: true, cell: (row) => (row.targetMinutes ? say("minutes", { count: row.targetMinutes }) : "–") },
        ]}
        tools={
          <Button size="xs" variant="subtle" onClick={() => setRemoved(true)}>
            {say("toRemoved")}
          </Button>
        }
        empty={
          <Empty
            title={say("emptyTitle")}
            next={
              <>
                <Button variant="filled" onClick={() => open("new")}>{say("new")}</Button>
                <HelpLink at="/settings/queues" />
              </>
            }
          >
            {say("emptyText")}
          </Empty>
        }
      />
      {isRemoved ? <RemovedQueues close={() => setRemoved(false)} /> : null}
    </>
  );
}
