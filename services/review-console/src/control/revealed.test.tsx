import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { hiddenIn, Revealed } from "./revealed";

it("what turns, has no width or looks like a space is counted; emoji and scripts that need joiners hide nothing", () => {
  expect(hiddenIn("pay\u202epal\u200b.com\u00a0now")).toBe(3);
  expect(hiddenIn("k\u200dill")).toBe(1);
  expect(hiddenIn("family 👨\u200d👩\u200d👧, می\u200cخواهم, क्\u200dष, 日本語, ไทย")).toBe(0);
  expect(hiddenIn("\u{e0041}\u{e0042}")).toBe(2);
});

it("hidden characters are shown when asked for, and only then", async () => {
  const { container } = render(<Revealed text={"buy\u202e now"} />);
  expect(container.querySelector("p")?.textContent).toBe("buy\u202e now");
  await userEvent.click(screen.getByRole("button", { name: "Show 1 hidden character" }));
  expect(container.querySelector("p")?.textContent).toBe("buyU+202E now");
});

it("text without any has no button", () => {
  render(<Revealed text="plain" />);
  expect(screen.queryByRole("button")).toBeNull();
});
