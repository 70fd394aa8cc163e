import { act, renderHook, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { answering, later } from "@/testing/api";
import { painted } from "@/testing/page";

import { claimAhead, takeAhead } from "./claim";
import type { Context } from "./context";
import { NOTHING } from "./entered";
import { dropAside, setRefused, useAside, useRefused } from "./shift";
import { useDecide } from "./use-decide";

const navigate = vi.hoisted(() => vi.fn<(to: { params: { jobId: string } }) => Promise<void>>());
vi.mock("@tanstack/react-router", () => ({ useNavigate: () => navigate }));

const SOON = new Date(Date.now() + 600_000).toISOString();
const LEASE = { token: "t", expiresAt: SOON, openedAt: SOON };
const CONTEXT = { job: { id: "one", queueId: "q", revision: 3, state: "PENDING" } } as unknown as Context;
const DECISION = { id: "d", decidedAt: SOON, leavesAt: null };
const ENTERED = { ...NOTHING, verdict: "IGNORE" as const, reason: "Fine." };
const SENT = { what: "No violation", about: "Ana" };
const next = { job: { id: "two", queueId: "q" }, lease: { ...LEASE, token: "t2", openedAt: null } };

beforeEach(() => {
  queries.clear();
  takeAhead();
  setRefused("one", null);
  vi.restoreAllMocks();
  navigate.mockReset().mockResolvedValue(undefined);
  localStorage.clear();
});

async function show() {
  const view = renderHook(() => ({ decide: useDecide({ context: CONTEXT, lease: LEASE, end: () => undefined }), aside: useAside(), refused: useRefused("one") }));
  await act(painted);
  return view.result;
}

it.each(["queue-paused", "too-many-claims", "not-found", "unavailable"])("a next job that is refused (%s) is no queue that is done", async (why) => {
  answering({ "POST /v1/jobs/{job_id}/decisions": () => ({ decision: DECISION, next: null, nextRefused: why }) });
  const shown = await show();
  act(() => shown.current.decide.submit(ENTERED, SENT, false));
  await waitFor(() => expect(shown.current.decide.noNext).toBe(why));
});

it("where nothing waits, the queue is done", async () => {
  answering({ "POST /v1/jobs/{job_id}/decisions": () => ({ decision: DECISION, next: null, nextRefused: null }) });
  const shown = await show();
  act(() => shown.current.decide.submit(ENTERED, SENT, false));
  await waitFor(() => expect(shown.current.decide.noNext).toBe("EMPTY"));
});

it("what was skipped is not refused because the next one is", async () => {
  answering({ "POST /v1/jobs/{job_id}/skip": () => ({}), "POST /v1/queues/{queue_id}/claims": () => Promise.reject(new ApiProblem("queue-paused", 409)) });
  const shown = await show();
  act(() => shown.current.decide.skip());
  await waitFor(() => expect(shown.current.decide.noNext).toBe("queue-paused"));
  expect(shown.current.refused).toBeNull();
});

it("a refusal that comes when the next job is there takes nobody away from it, and is said", async () => {
  const decided = later<unknown>();
  const asked = answering({ "POST /v1/claims": () => next, "POST /v1/jobs/{job_id}/decisions": () => decided.promise });
  await claimAhead(["q"], () => undefined);
  const shown = await show();
  act(() => shown.current.decide.submit(ENTERED, SENT, false));
  await waitFor(() => expect(navigate).toHaveBeenCalledWith({ to: "/jobs/$jobId", params: { jobId: "two" } }));
  // It is sent once the next job is painted.
  await waitFor(() => expect(asked.at(-1)?.what).toBe("POST /v1/jobs/{job_id}/decisions"));
  decided.refuse(new ApiProblem("already-closed", 409));
  await waitFor(() => expect(shown.current.aside).toHaveLength(1));
  expect(shown.current.aside[0]).toMatchObject({ jobId: "one", ...SENT, problem: { kind: "already-closed" } });
  expect(navigate).toHaveBeenCalledOnce();
  act(() => dropAside("one"));
  expect(shown.current.aside).toHaveLength(0);
});

it("nothing is meant for a job before it was painted, while it is decided, nor after", async () => {
  const decided = later<unknown>();
  const asked = answering({ "POST /v1/jobs/{job_id}/decisions": () => decided.promise });
  const { result } = renderHook(() => useDecide({ context: CONTEXT, lease: LEASE, end: () => undefined }));
  expect(result.current.isDeaf()).toBe(true);
  act(() => result.current.submit(ENTERED, SENT, true));
  expect(asked).toHaveLength(0);
  await act(painted);
  expect(result.current.isDeaf()).toBe(false);
  act(() => result.current.submit(ENTERED, SENT, true));
  act(() => result.current.submit(ENTERED, SENT, true));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(result.current.isDeaf()).toBe(true);
  await act(async () => decided.give(DECISION));
  expect(result.current.sending).toBe(false);
  expect(result.current.isDeaf()).toBe(true);
});

it("after a refusal in place it can be changed and sent again", async () => {
  answering({ "POST /v1/jobs/{job_id}/decisions": () => Promise.reject(new ApiProblem("invalid", 422)) });
  const shown = await show();
  act(() => shown.current.decide.submit(ENTERED, SENT, true));
  await waitFor(() => expect(shown.current.refused?.kind).toBe("invalid"));
  await waitFor(() => expect(shown.current.decide.isDeaf()).toBe(false));
});

it("from a job that is not mine to decide the next one of its queue is opened, and nothing is skipped", async () => {
  const asked = answering({ "POST /v1/queues/{queue_id}/claims": () => next });
  const shown = await show();
  act(() => shown.current.decide.goOn());
  await waitFor(() => expect(navigate).toHaveBeenCalledWith({ to: "/jobs/$jobId", params: { jobId: "two" } }));
  expect(asked.filter(({ what }) => !what.startsWith("GET")).map(({ what }) => what)).toEqual(["POST /v1/queues/{queue_id}/claims"]);
});
