import { act, renderHook, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { answering, later, type Init } from "@/testing/api";
import { setServerTime } from "@/time/moment";

import { draftOf, NOTHING, type Entered } from "./entered";
import { keepHere, useEntered } from "./use-entered";

const MINUTE = 60_000;
const PUT = "PUT /v1/jobs/{job_id}/draft";
const saying = (reason: string): Entered => ({ ...NOTHING, reason });
const draft = (entered: Entered, at: number | null, savedAt: number) => ({
  content: { ...draftOf(entered), ...(at === null ? {} : { at }) },
  savedAt: new Date(savedAt).toISOString(),
  expiresAt: new Date(savedAt + MINUTE).toISOString(),
  jobId: "one",
});
const reasonIn = (init: Init | undefined) => (init?.body as { content: { reason: string } } | undefined)?.content.reason;

beforeEach(() => {
  localStorage.clear();
  vi.restoreAllMocks();
});
afterEach(() => {
  setServerTime(Date.now());
  vi.useRealTimers();
});

it("the draft that was entered last counts, whatever this machine's clock says", () => {
  answering({ [PUT]: () => ({}) });
  const server = Date.now();
  // An hour fast: what is kept here looks newer than it is.
  setServerTime(Date.now() - 60 * MINUTE);
  keepHere("one", saying("of this machine, earlier"));
  const { result } = renderHook(() => useEntered("one", draft(saying("of another machine, later"), server, server)));
  expect(result.current.entered.reason).toBe("of another machine, later");
});

it("a draft that came late is not the newer one for that", () => {
  answering({ [PUT]: () => ({}) });
  const entered = Date.now();
  keepHere("one", saying("written last"), entered);
  const { result } = renderHook(() => useEntered("one", draft(saying("written before"), entered - MINUTE, entered + MINUTE)));
  expect(result.current.entered.reason).toBe("written last");
});

it("of a decision that the server kept when it refused it, it says when", () => {
  answering({ [PUT]: () => ({}) });
  keepHere("one", saying("before"), Date.now() - MINUTE);
  const { result } = renderHook(() => useEntered("one", draft(saying("refused"), null, Date.now())));
  expect(result.current.entered.reason).toBe("refused");
});

it("one draft is on its way at a time, and the newest goes last", async () => {
  vi.useFakeTimers();
  const first = later<object>();
  const answers = [first.promise, Promise.resolve({})];
  const asked = answering({ [PUT]: () => answers.shift() ?? {} });
  const { result } = renderHook(() => useEntered("one", null));
  for (const reason of ["a", "ab", "abc"]) {
    act(() => result.current.change(saying(reason)));
    await act(() => vi.advanceTimersByTimeAsync(1000));
  }
  expect(asked.map((one) => reasonIn(one.init))).toEqual(["a"]);
  await act(async () => first.give({}));
  await act(() => vi.advanceTimersByTimeAsync(0));
  expect(asked.map((one) => reasonIn(one.init))).toEqual(["a", "abc"]);
  expect(result.current.kept).toBe("SAVED");
});

it("what only this browser has is sent when its job is opened", async () => {
  const asked = answering({ [PUT]: () => ({}) });
  keepHere("one", saying("written offline"));
  const { result } = renderHook(() => useEntered("one", null));
  await waitFor(() => expect(reasonIn(asked.at(-1)?.init)).toBe("written offline"));
  await waitFor(() => expect(result.current.kept).toBe("SAVED"));
});

it("of a job that is decided nothing is sent", async () => {
  const asked = answering({});
  keepHere("one", saying("too late"));
  renderHook(() => useEntered("one", null, false));
  await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
  expect(asked).toEqual([]);
});
