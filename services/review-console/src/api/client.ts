/**
 * The one door to review-api.
 *
 *     const page = await take(api.GET("/v1/queues", { params: { query: { limit: 200 } }, signal }));
 *
 * Guarantees: paths, parameters and answers are those of the OpenAPI document; what changes something
 * carries the token of the session; every refusal is an `ApiProblem`; a session that ended is told to
 * `onSessionEnd` once for each request; the server's clock is measured by each answer.
 * Must not: retry what changes something; queries are retried by `api/query.ts`.
 */
import createClient, { type Middleware } from "openapi-fetch";

import { heard } from "@/time/server-clock";

import { ApiProblem, problemOf } from "./problem";
import type { components, paths } from "./schema";

export type Schema = components["schemas"];

let csrfToken = "";
let sessionEnded: () => void = () => undefined;
let answered: () => void = () => undefined;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

export function onSessionEnd(listener: () => void): void {
  sessionEnded = listener;
}

/** Of each answer that was no refusal for want of a session: it was used. */
export function onAnswer(listener: () => void): void {
  answered = listener;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const BEFORE_SESSION = /\/v1\/(session|sso|invitations\/(look|accept)|password-resets)(\/|$)/;

const askedAt = new WeakMap<Request, number>();

const edge: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrfToken) request.headers.set("X-CSRF-Token", csrfToken);
    askedAt.set(request, Date.now());
    return request;
  },
  async onResponse({ request, response }) {
    heard(response.headers.get("date"), askedAt.get(request) ?? Number.NaN, Date.now());
    if (response.status !== 401) answered();
    if (response.ok) return response;
    const problem = await problemOf(response);
    const path = new URL(request.url).pathname;
    if (problem.status === 401 && !BEFORE_SESSION.test(path)) sessionEnded();
    throw problem;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    if (error instanceof ApiProblem) return error;
    return new ApiProblem("offline", 0);
  },
};

export const api = createClient<paths>({ baseUrl: typeof location === "undefined" ? "http://test.invalid" : location.origin });
api.use(edge);

/** What a request gave. Rejects with `ApiProblem`. */
export async function take<T>(asked: Promise<{ data?: T }>): Promise<T> {
  const { data } = await asked;
  return data as T;
}

/** The answer of a request whose status says something (202, 204) beside what it gave. */
export async function answer<T>(asked: Promise<{ data?: T; response: Response }>): Promise<{ status: number; data: T | undefined }> {
  const { data, response } = await asked;
  return { status: response.status, data };
}
