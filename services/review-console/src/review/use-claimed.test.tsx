import { act, renderHook, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering, later } from "@/testing/api";

import { useClaimed } from "./use-claimed";

const CLAIM = "POST /v1/second-reviews/claims";
const BACK = "DELETE /v1/second-reviews/{second_review_id}/lease";
const claim = (id: string) => ({ secondReview: { id }, lease: { token: `t-${id}`, expiresAt: new Date(Date.now() + 60_000).toISOString() } });

beforeEach(() => void vi.restoreAllMocks());

const backIn = (asked: readonly { what: string; init: { params?: { path?: Readonly<Record<string, string>> } } }[]) => asked.filter((one) => one.what === BACK).map((one) => one.init.params?.path?.second_review_id);

it("the one that comes after an answer goes back where its page was left meanwhile", async () => {
  const second = later<object>();
  const claims = [Promise.resolve(claim("one")), second.promise];
  const asked = answering({ [CLAIM]: () => claims.shift(), [BACK]: () => undefined });
  const { result, unmount } = renderHook(() => useClaimed(null));
  await waitFor(() => expect(result.current.claim?.secondReview.id).toBe("one"));
  await act(() => result.current.answering(Promise.resolve()));
  unmount();
  expect(backIn(asked)).toEqual([]);
  await act(async () => second.give(claim("two")));
  await waitFor(() => expect(backIn(asked)).toEqual(["two"]));
});

it("an answer on its way keeps its claim, and asks for no other once the page is left", async () => {
  const answer = later<object>();
  const asked = answering({ [CLAIM]: () => claim("one"), [BACK]: () => undefined });
  const { result, unmount } = renderHook(() => useClaimed(null));
  await waitFor(() => expect(result.current.claim).not.toBeNull());
  const answered = result.current.answering(answer.promise);
  unmount();
  expect(backIn(asked)).toEqual([]);
  answer.give({});
  await answered;
  expect(asked.filter((one) => one.what === CLAIM)).toHaveLength(1);
});

it("what was refused is still mine, and goes back with the page", async () => {
  const asked = answering({ [CLAIM]: () => claim("one"), [BACK]: () => undefined });
  const { result, unmount } = renderHook(() => useClaimed(null));
  await waitFor(() => expect(result.current.claim).not.toBeNull());
  await expect(result.current.answering(Promise.reject(new ApiProblem("invalid", 422)))).rejects.toMatchObject({ kind: "invalid" });
  unmount();
  await waitFor(() => expect(backIn(asked)).toEqual(["one"]));
});
