/** Queues that were removed, and how many of their jobs have yet to go on. */
import { useQuery } from "@tanstack/react-query";

import { api, take } from "@/api/client";
import { whole } from "@/configuration/query";
import { useNames } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { Problem, Skeleton } from "@/control/state";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { words } from "./list-words";
import classes from "./queue.module.css";

export function RemovedQueues({ close }: { close: () => void }) {
  const say = useWords(words);
  const names = useNames();
  const { data, error, refetch } = useQuery({
    queryKey: ["queue-counts", "removed"],
    queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/removed-queues", { params: { query }, signal }))),
  });
  return (
    <Dialog opened onClose={close} title={say("removedTitle")} size="lg" centered>
      {error ? <Problem error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton lines={4} /> : null}
      {data?.length === 0 ? <p className="dim t13">{say("removedNone")}</p> : null}
      {data && data.length > 0 ? (
        <table className={classes.removed}>
          <thead>
            <tr>
              <th scope="col">{say("columnName")}</th>
              <th scope="col">{say("columnRemoved")}</th>
              <th scope="col">{say("columnJobs")}</th>
            </tr>
          </thead>
          <tbody>
            {data.map((one) => (
              <tr key={one.id}>
                <td className="user-text">{one.name}</td>
                <td className="dim">{say.rich("removedBy", { name: one.removedByPerson?.name ?? one.removedBy, time: <Moment at={one.removedAt} /> })}</td>
                <td>
                  {say("removedPending", { count: one.pending })}
                  {one.moved > 0 ? <span className="dim">{`; ${say("removedMoved", { count: one.moved, to: one.moveTo ? names.queue(one.moveTo) : "none" })}`}</span> : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </Dialog>
  );
}
