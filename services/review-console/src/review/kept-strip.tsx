/** That a job is given to somebody, or held while an answer is awaited; and how that ends. */
import { Button } from "@mantine/core";

import { api, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { sentenceOf } from "@/control/sentence";
import { toast } from "@/control/toast";
import { tell } from "@/live/tabs";
import { usePermission, useSession } from "@/session/session";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { words } from "./keeping-words";
import { Strip } from "./strip";

type Job = Schema["ContextJobView"];

export function changed(jobId: string): void {
  void queries.invalidateQueries({ queryKey: ["job", jobId] });
  void queries.invalidateQueries({ queryKey: ["claims"] });
  tell({ kind: "job-changed", jobId });
}

export function KeptStrip({ job }: { job: Job }) {
  const say = useWords(words);
  const me = useSession().user.id;
  const leads = usePermission("EDIT_MRT_QUEUES");
  const { kept } = job;
  if (kept === null || job.state === "CLOSED") return null;
  const isHeld = kept.keptAs === "HELD";
  const end = () => {
    const asked = { params: { path: { job_id: job.id } } };
    const sent = isHeld ? api.DELETE("/v1/jobs/{job_id}/hold", asked) : api.DELETE("/v1/jobs/{job_id}/assignment", asked);
    sent.then(
      () => {
        toast(say("taken"));
        changed(job.id);
      },
      (error: unknown) => toast(asProblem(error) ? sentenceOf(asProblem(error) as never) : String(error)),
    );
  };
  return (
    <Strip>
      <span>{isHeld ? say.rich("isHeld", { name: kept.person?.name ?? "none", time: <Moment at={kept.until} /> }) : say.rich("isAssigned", { name: kept.person?.name ?? "", time: <Moment at={kept.until} /> })}</span>
      {leads || kept.personId === me || isHeld ? (
        <Button size="xs" onClick={end}>
          {say(isHeld ? "endHold" : "takeBack")}
        </Button>
      ) : null}
    </Strip>
  );
}

