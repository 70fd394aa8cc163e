import { expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";

import { untilAnswered } from "./unsent";

it("the same is sent again while nobody answers, and what is refused is not", async () => {
  vi.useFakeTimers();
  const send = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new ApiProblem("offline", 0)).mockRejectedValueOnce(new ApiProblem("unavailable", 503)).mockResolvedValueOnce("done");
  const sent = untilAnswered("Removed", send);
  await vi.runAllTimersAsync();
  expect(await sent).toBe("done");
  expect(send).toHaveBeenCalledTimes(3);
  const refused = vi.fn<() => Promise<string>>().mockRejectedValue(new ApiProblem("lease-lost", 409));
  await expect(untilAnswered("Removed", refused)).rejects.toMatchObject({ kind: "lease-lost" });
  expect(refused).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
});

it("whoever closes the page while something waits is asked", async () => {
  vi.useFakeTimers();
  const leave = () => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const send = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new ApiProblem("offline", 0)).mockResolvedValueOnce("done");
  const sent = untilAnswered("Removed", send);
  await vi.advanceTimersByTimeAsync(1);
  expect(leave()).toBe(true);
  await vi.runAllTimersAsync();
  await sent;
  expect(leave()).toBe(false);
  vi.useRealTimers();
});
