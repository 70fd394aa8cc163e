/** What was decided, of a job that is closed. */
import { useQuery } from "@tanstack/react-query";

import { api, take } from "@/api/client";
import type { Names } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Context } from "./context";
import classes from "./job.module.css";
import { componentText } from "./moment-text";
import { words } from "./words";

export function ClosedDecision({ context, names }: { context: Context; names: Names }) {
  const say = useWords(words);
  const { job } = context;
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["job", job.id, "detail"],
    queryFn: ({ signal }) => take(api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: job.id } }, signal })),
  });
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton />;
  return (
    <div className={classes.reasonless}>
      {data.decisions.map((one) => (
        <section key={one.id} className={classes.sect}>
          <h3>{one.components.map((part) => componentText(part, names, say)).join(", ") || say("tClosed")}</h3>
          <p className="dim t12">
            {one.actor?.name ?? say("automatic")} · <Moment at={one.time} />
          </p>
          {one.reason ? <p className="user-text t13">{say("quoted", { text: one.reason })}</p> : null}
          {one.note ? <p className="user-text t13 dim">{one.note}</p> : null}
          {one.undoneAt ? <span className="badge">{say("tReversed")}</span> : null}
        </section>
      ))}
      {data.decisions.length === 0 ? <p className="dim t13">{say("tClosed")}</p> : null}
    </div>
  );
}
