/**
 * Starting in a queue: the job held there already, else a claim of the most urgent one, and on to its
 * page. Starring: shown at once, taken back where it could not be kept.
 */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { api } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { sentenceOf } from "@/control/sentence";
import { toast } from "@/control/toast";
import { claimIn } from "@/review/claim";
import { built } from "@/shell/navigation";
import { now, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import { clockOf, favouritesQuery, type QueueRow } from "./dashboard";
import { words } from "./words";

export function useStart(all: readonly QueueRow[]): { start: (row: QueueRow) => void; starting: string | null } {
  const say = useWords(words);
  const span = useSpan();
  const navigate = useNavigate();
  const [starting, setStarting] = useState<string | null>(null);
  const open = (jobId: string) => navigate({ to: `/jobs/${jobId}` as "/queues" });

  const tellEmpty = (row: QueueRow) => {
    const next = all.find((one) => one !== row && one.pending > one.leased && one.dueAt !== null && !one.queue.isPaused);
    const clock = next ? clockOf(next, now()) : null;
    const due = clock ? say(clock.leftMs < 0 ? "overdue" : "left", { span: span(Math.abs(clock.leftMs)) }) : "";
    const more = next && clock ? ` ${say("emptiedNext", { name: next.queue.name, due })}` : "";
    toast(say("emptied", { name: row.queue.name }) + more);
  };

  const start = (row: QueueRow) => {
    if (starting !== null) return;
    if (!built().has("/jobs")) {
      toast(say("noJobPage"));
      return;
    }
    const held = row.held[0];
    if (held) {
      void open(held.job.id);
      return;
    }
    if (row.pending === 0) return;
    setStarting(row.queue.id);
    claimIn(row.queue.id)
      .then((claim) => (claim ? open(claim.job.id) : tellEmpty(row)))
      .catch((error: unknown) => {
        const problem = asProblem(error);
        if (!problem) throw error;
        toast(sentenceOf(problem));
      })
      .finally(() => setStarting(null));
  };
  return { start, starting };
}

export function useStar(): (row: QueueRow) => void {
  const say = useWords(words);
  return (row) => {
    const id = row.queue.id;
    const before = queries.getQueryData(favouritesQuery.queryKey) ?? [];
    queries.setQueryData(favouritesQuery.queryKey, row.isStarred ? before.filter((one) => one !== id) : [...before, id]);
    const asked = { params: { path: { queue_id: id } } };
    const sent = row.isStarred ? api.DELETE("/v1/queues/{queue_id}/favourite", asked) : api.PUT("/v1/queues/{queue_id}/favourite", asked);
    sent.catch((error: unknown) => {
      queries.setQueryData(favouritesQuery.queryKey, before);
      const problem = asProblem(error);
      if (problem) toast(say("starFailed", { why: sentenceOf(problem) }));
    });
  };
}
