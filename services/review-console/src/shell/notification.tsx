/** What one is told, in words, with the way to whatever it is about. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Schema } from "@/api/client";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { words } from "./words";

type Notification = Schema["NotificationPage"]["items"][number];

export function Sentence({ one, close }: { one: Notification; close: () => void }) {
  const say = useWords(words);
  const { data } = one;
  const toRule = (ruleId: string, name: ReactNode) => (
    <Link to="/rules/$ruleId" params={{ ruleId }} onClick={close}>
      {name}
    </Link>
  );
  const toJob = (jobId: string) => (text: ReactNode) => (
    <Link to="/jobs/$jobId" params={{ jobId }} onClick={close}>
      {text}
    </Link>
  );
  if ("proposedRule" in data) {
    return say.rich("approved" in data ? "proposalDecided" : "proposed", { rule: toRule(data.ruleId, data.proposedRule), by: data.byName, approved: "approved" in data ? String(data.approved) : "" });
  }
  if ("ruleName" in data) return say.rich("ruleTripped", { rule: toRule(data.ruleId, data.ruleName), count: data.count, window: data.window, stopped: String(data.stopped) });
  if ("endpoint" in data) return say(one.kind === "ENDPOINT_RESUMED" ? "endpointResumed" : "endpointPaused", { endpoint: data.endpoint, waiting: data.waiting });
  if ("commentId" in data) return say.rich("mention", { author: data.authorName, queue: data.queueName, job: toJob(data.jobId) });
  if ("until" in data) {
    const time = data.until === null ? null : <Moment at={data.until} dated />;
    return say.rich(one.kind === "JOB_HELD" ? "heldForYou" : "givenToYou", { by: data.byName, queue: data.queueName, job: toJob(data.jobId), until: time ? "yes" : "none", time });
  }
  if ("exportId" in data) return data.error ? say("exportFailed", { error: data.error }) : say("exportReady", { rows: data.rows });
  if ("order" in data) return say("bulkDone", { order: data.order, state: data.state, requested: data.requested, total: data.total });
  if ("startedAt" in data) return say.rich("bulkAppealed", { time: <Moment at={data.startedAt} dated /> });
  if ("threshold" in data) {
    const strikes = (text: ReactNode) => (
      <Link to="/strikes" onClick={close}>
        {text}
      </Link>
    );
    return say.rich("strikesReached", { threshold: data.threshold, strikes });
  }
  const time = <Moment at={data.decidedAt} dated />;
  return "queueName" in data ? say.rich("appealed", { queue: data.queueName, job: toJob(data.jobId), time }) : say.rich("evidenceLate", { job: toJob(data.jobId), time });
}
