import { act, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { Skeleton } from "./state";

afterEach(() => vi.useRealTimers());

it("grey lines stand in place of what takes longer than 150 ms, and not before", () => {
  vi.useFakeTimers();
  const { unmount } = render(<Skeleton lines={3} />);
  act(() => vi.advanceTimersByTime(149));
  expect(screen.queryByRole("status")).toBeNull();
  act(() => vi.advanceTimersByTime(1));
  expect(screen.getByRole("status").children).toHaveLength(3);
  unmount();
  render(<Skeleton />);
  expect(screen.queryByRole("status")).toBeNull();
});
