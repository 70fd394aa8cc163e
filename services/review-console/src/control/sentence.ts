/** A problem as a sentence: what happened, and what to do next. */
import type { ApiProblem } from "@/api/problem";
import { allCalled } from "@/session/permission";
import { sayer, type Say } from "@/words/words";

import { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;

const OF_KIND: Readonly<Partial<Record<ApiProblem["kind"], Key>>> = {
  unauthenticated: "unauthenticated",
  csrf: "csrf",
  "not-found": "notFound",
  "lease-lost": "leaseLost",
  "already-closed": "alreadyClosed",
  "queue-paused": "queuePaused",
  "too-many-claims": "tooManyClaims",
  "revision-mismatch": "revisionMismatch",
  unavailable: "unavailable",
  "upstream-failed": "upstream",
  offline: "offline",
  internal: "internal",
};

const OF_STATUS: Readonly<Record<number, Key>> = { 401: "unauthenticated", 403: "forbidden", 404: "notFound", 409: "conflict", 412: "revisionMismatch", 422: "invalid", 502: "upstream", 503: "unavailable" };

export function sentenceOf(problem: ApiProblem, say: Say<Key> = sayer(words)): string {
  const detail = problem.detail ?? "";
  if (problem.kind === "permission" && problem.needs.length > 0) return say("permission", { needs: allCalled(problem.needs) });
  if (problem.status === 429) return say("tooMany", { seconds: problem.retryAfter ?? 0 });
  return say(OF_KIND[problem.kind] ?? OF_STATUS[problem.status] ?? "internal", { detail: sentence(detail) }).trim();
}

function sentence(detail: string): string {
  if (detail === "") return "";
  return detail.charAt(0).toLocaleUpperCase() + detail.slice(1) + (/[.!?]$/.test(detail) ? "" : ".");
}
