import { renderHook, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering, later } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { useNames } from "./names";

const ID = "0192f3c4-0000-7000-8000-00000000abcd";

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn();
});

it("an id is shown only once it is known that it has no name", async () => {
  const queues = later<object>();
  answering({ "GET /v1/queues": () => queues.promise, "GET /v1/policies": () => Promise.reject(new ApiProblem("permission", 403)) });
  const { result } = renderHook(() => useNames(), { wrapper: Around });
  expect(result.current.queue(ID).trim()).toBe("");
  expect(result.current.policy(ID).trim()).toBe("");
  queues.give({ items: [{ id: ID, name: "Spam" }] });
  await waitFor(() => expect(result.current.queue(ID)).toBe("Spam"));
  await waitFor(() => expect(result.current.policy(ID)).toBe("0192f3…abcd"));
});
