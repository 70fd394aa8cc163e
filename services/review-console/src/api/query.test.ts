import { expect, it } from "vitest";

import { ApiProblem, problemOf } from "./problem";
import { retryDelay, shouldRetry } from "./query";

it("a refusal that passes by itself is tried again, any other is not", () => {
  expect(shouldRetry(0, new ApiProblem("unavailable", 503))).toBe(true);
  expect(shouldRetry(0, new ApiProblem("offline", 0))).toBe(true);
  expect(shouldRetry(5, new ApiProblem("unavailable", 503))).toBe(false);
  for (const status of [401, 403, 404, 409, 412, 422, 429]) expect(shouldRetry(0, new ApiProblem("invalid", status))).toBe(false);
});

it("waits for what the server asks, and up to half as long again", () => {
  const problem = new ApiProblem("unavailable", 503, {}, 4);
  expect(retryDelay(0, problem, () => 0)).toBe(4000);
  expect(retryDelay(3, problem, () => 1)).toBe(6000);
});

it("waits twice as long each time where the server says nothing", () => {
  const problem = new ApiProblem("offline", 0);
  expect([0, 1, 2, 20].map((attempt) => retryDelay(attempt, problem, () => 0))).toEqual([500, 1000, 2000, 15_000]);
});

it("reads a problem body: kind, pointers, request id", async () => {
  const body = { type: "/problems/invalid", title: "Invalid", status: 422, errors: [{ pointer: "/name", reason: "too long", code: "too-long" }], requestId: "r1" };
  const problem = await problemOf(new Response(JSON.stringify(body), { status: 422 }));
  expect(problem).toMatchObject({ kind: "invalid", status: 422, requestId: "r1", faults: [{ pointer: "/name", code: "too-long", params: {} }] });
});

it("takes an answer that is not from review-api for what its status says", async () => {
  const problem = await problemOf(new Response("<html>Bad gateway", { status: 502, headers: { "retry-after": "7" } }));
  expect(problem).toMatchObject({ kind: "unavailable", retryAfter: 7, passes: true });
});
