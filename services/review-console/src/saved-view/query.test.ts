import { expect, it } from "vitest";

import { same, viewsOf } from "./query";

it("views show the same whatever the order of their filters, and a filter that is not set is none", () => {
  expect(same({ a: ["1"], b: undefined }, { a: ["1"] })).toBe(true);
  expect(same({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  expect(same({ a: ["1", "2"] }, { a: ["2", "1"] })).toBe(false);
});

it("one's own views of the page come first", () => {
  const shared = { id: "s", page: "decisions", name: "All", value: {}, revision: 1, createdBy: "u", createdAt: "", updatedBy: "u", updatedAt: "" };
  const found = viewsOf("decisions", { decisions: [{ id: "o", name: "Own", value: {} }], queues: [{ id: "x", name: "X", value: {} }] }, [shared]);
  expect(found.map((one) => one.id)).toEqual(["o", "s"]);
});
