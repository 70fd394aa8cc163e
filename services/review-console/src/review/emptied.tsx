/** The queue is empty: where to go on. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

import { queuesQuery } from "@/configuration/query";
import { Empty } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { useLive } from "@/live/stream";
import { useNow, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import { claimIn } from "./claim";
import { words } from "./words";

export function Emptied({ queueId, name }: { queueId: string; name: string }) {
  const say = useWords(words);
  const span = useSpan();
  const navigate = useNavigate();
  const now = useNow(30);
  const queues = useQuery({ ...queuesQuery, retry: false }).data ?? [];
  const counts = useLive("queues")?.items ?? [];
  const due = (at: string | null | undefined) => (at ? Date.parse(at) : Infinity);
  const [next] = counts
    .filter((one) => one.queueId !== queueId && one.pending > one.leased && queues.some((queue) => queue.id === one.queueId && !queue.isPaused && !queue.isAppealsQueue))
    .toSorted((a, b) => due(a.nextDeadline) - due(b.nextDeadline));
  const nextName = queues.find((queue) => queue.id === next?.queueId)?.name;
  const at = due(next?.nextDeadline) - now;
  const start = () => {
    if (!next) return;
    claimIn(next.queueId)
      .then((claim) => (claim ? navigate({ to: "/jobs/$jobId", params: { jobId: claim.job.id } }) : navigate({ to: "/queues" })))
      .catch(() => toast(say("caughtUpText")));
  };
  useCommand({ id: "job.startNext", scope: "job", keys: "Enter", label: say("start"), enabled: next !== undefined, run: start });
  useEffect(() => document.getElementById("job-emptied")?.focus(), []);
  const text = next && nextName ? say("nextDue", { queue: nextName, due: Number.isFinite(at) ? say(at < 0 ? "overdue" : "due", { span: span(Math.abs(at)) }) : "" }) : say("caughtUpText");
  return (
    <div id="job-emptied" tabIndex={-1}>
      <Empty
        title={say("caughtUp", { queue: name })}
        next={
          next ? (
            <Button variant="filled" onClick={start} rightSection={<Keys of="job.startNext" fallback="Enter" />}>
              {say("start")}
            </Button>
          ) : (
            <Link to="/queues">{say("toQueues")}</Link>
          )
        }
      >
        {text}
      </Empty>
    </div>
  );
}
