/**
 * What the event stream says, into the cache of queries: whoever shows it is renewed without asking
 * more often than something changed.
 */
import { useEffect } from "react";

import { queries } from "@/api/query";
import { onLive } from "@/live/stream";
import { onTold } from "@/live/tabs";

const OF_EVENT: Readonly<Record<string, readonly string[]>> = {
  queues: ["queue-counts"],
  jobs: ["claims"],
  notifications: ["notifications"],
  config: ["configuration"],
  comments: ["comments"],
};

export function useCachesKept(): void {
  useEffect(
    () =>
      onLive((name) => {
        for (const key of OF_EVENT[name] ?? []) void queries.invalidateQueries({ queryKey: [key] });
      }),
    [],
  );
  useEffect(
    () =>
      onTold((message) => {
        if (message.kind === "job-changed") void queries.invalidateQueries({ queryKey: ["job", message.jobId] });
      }),
    [],
  );
}
