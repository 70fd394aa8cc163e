import { render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { Moment } from "./moment";

afterEach(() => vi.useRealTimers());

it("what happened in the minute that runs is over, and what comes in an hour is to come", () => {
  vi.useFakeTimers({ now: new Date("2026-03-01T12:00:40Z") });
  for (const [at, text] of [
    ["2026-03-01T12:00:38Z", "under 1 min ago"],
    ["2026-03-01T11:50:00Z", "10 min ago"],
    ["2026-03-01T13:10:00Z", "in 1 h 10"],
  ] as const) {
    const { unmount } = render(<Moment at={at} relative />);
    expect(screen.getByText(text).getAttribute("datetime")).toBe(at);
    unmount();
  }
});
