import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { changesBetween, Differences } from "./difference";

it("what differs is told by names, for ids and codes that have one", () => {
  const called: Readonly<Record<string, string>> = { queue: "Queue", q1: "Spam", q2: "Hate" };
  render(<Differences changes={changesBetween({ queue: ["q1"], by: ["ana"] }, { queue: ["q1", "q2"] })} named={(field) => called[field] ?? field} valued={(_, value) => called[value] ?? value} was="Theirs" is="Yours" />);
  expect(screen.getByText("Queue")).toBeVisible();
  expect(screen.getByText("Spam, Hate")).toBeVisible();
  expect(screen.getByText("ana")).toBeVisible();
  expect(document.body.textContent).not.toContain("q1");
});

it("only what differs is a change, and what one of them lacks is one too", () => {
  expect(changesBetween({ a: [1], b: 2, c: null }, { a: [1], b: 3, d: "x" })).toEqual([
    { name: "b", before: 2, after: 3 },
    { name: "c", before: null, after: undefined },
    { name: "d", before: undefined, after: "x" },
  ]);
});
