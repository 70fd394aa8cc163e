/** There is no next job here: because none waits, or why it was refused; and where to go on. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { queuesQuery } from "@/configuration/query";
import { Empty } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { useLive } from "@/live/stream";
import { useNow, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import { claimIn, claimsQuery, isAhead } from "./claim";
import { arrive } from "./home";
import { noNextOf, type NoNext } from "./use-decide";
import { words } from "./words";

interface Props {
  readonly queueId: string;
  readonly name: string;
  readonly why: NoNext;
}

const WHY = { "queue-paused": "noNextPaused", "too-many-claims": "noNextMany", "not-found": "noNextGone", unavailable: "noNextAway" } as const;

export function Emptied({ queueId, name, why: given }: Props) {
  const say = useWords(words);
  const navigate = useNavigate();
  const [later, setLater] = useState<NoNext | null>(null);
  const [isAsking, setAsking] = useState(false);
  const why = later ?? given;
  const { next, text, nameOf } = useNextQueue(queueId);
  const held = (useQuery(claimsQuery).data ?? []).filter((one) => !isAhead(one));
  const [first] = why === "too-many-claims" ? held : [];
  // What passes is asked for where it was; else the queue that is due next.
  const from = why === "unavailable" ? queueId : why === "too-many-claims" ? null : (next?.id ?? null);
  const open = (jobId: string) => void navigate({ to: "/jobs/$jobId", params: { jobId } });
  const start = () => {
    if (first) return open(first.job.id);
    if (from === null || isAsking) return undefined;
    setAsking(true);
    return void claimIn(from)
      .then((claim) => (claim ? open(claim.job.id) : setLater("EMPTY")))
      .catch((error: unknown) => setLater(noNextOf(error)))
      .finally(() => setAsking(false));
  };
  const may = first !== undefined || from !== null;
  useCommand({ id: "job.startNext", scope: "job", keys: "Enter", label: say("start"), enabled: may, run: start });
  useEffect(() => arrive(document.getElementById("job-emptied")), []);
  const label = first ? say("goOn", { queue: nameOf(first.job.queueId) ?? name }) : say(why === "unavailable" ? "askAgain" : "start");
  return (
    <div id="job-emptied" tabIndex={-1}>
      <Empty
        title={why === "EMPTY" ? say("caughtUp", { queue: name }) : say("noNextTitle")}
        next={
          <>
            {may ? (
              <Button variant="filled" loading={isAsking} onClick={start} rightSection={<Keys of="job.startNext" fallback="Enter" />}>
                {label}
              </Button>
            ) : null}{" "}
            <Link to="/queues">{say("toQueues")}</Link>
          </>
        }
      >
        {why === "EMPTY" ? null : <p>{say(WHY[why], { queue: name })}</p>}
        {why === "EMPTY" || why === "queue-paused" || why === "not-found" ? <p>{text}</p> : null}
      </Empty>
    </div>
  );
}

/** Of the other queues that hand out, the one that is due next, in words. */
function useNextQueue(queueId: string): { next: { id: string } | null; text: string; nameOf: (id: string) => string | undefined } {
  const say = useWords(words);
  const span = useSpan();
  const now = useNow(30);
  const queues = useQuery({ ...queuesQuery, retry: false }).data ?? [];
  const counts = useLive("queues")?.items ?? [];
  const due = (at: string | null | undefined) => (at ? Date.parse(at) : Infinity);
  const [next] = counts
    .filter((one) => one.queueId !== queueId && one.pending > one.leased && queues.some((queue) => queue.id === one.queueId && !queue.isPaused && !queue.isAppealsQueue))
    .toSorted((a, b) => due(a.nextDeadline) - due(b.nextDeadline));
  const nameOf = (id: string | undefined) => queues.find((queue) => queue.id === id)?.name;
  const name = nameOf(next?.queueId);
  if (!next || name === undefined) return { next: null, text: say("caughtUpText"), nameOf };
  const left = due(next.nextDeadline) - now;
  return { next: { id: next.queueId }, nameOf, text: say("nextDue", { queue: name, due: Number.isFinite(left) ? say(left < 0 ? "overdue" : "due", { span: span(Math.abs(left)) }) : "" }) };
}
