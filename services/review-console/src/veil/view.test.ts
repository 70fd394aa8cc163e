import { expect, it } from "vitest";

import { moved, turned, WHOLE, zoomed } from "./view";

const FRAME = { width: 400, height: 300 };

it("grows to eight times and no further, and is whole again where it lay", () => {
  const large = [1, 2, 3, 4, 5, 6, 7].reduce((view) => zoomed(view, 1.5, FRAME), WHOLE);
  expect(large.zoom).toBe(8);
  expect(zoomed(moved(large, 300, -200, FRAME), 0.01, FRAME)).toEqual(WHOLE);
});

it("what is under the pointer stays there", () => {
  const at = { x: 100, y: -50 };
  const view = zoomed(WHOLE, 2, FRAME, at);
  // A point of the picture p lies at x + p * zoom: that which lay at 100 still does.
  expect(view.x + at.x * view.zoom).toBe(at.x);
  expect(view.y + at.y * view.zoom).toBe(at.y);
});

it("never leaves its frame, and does not move while it is whole", () => {
  expect(moved(WHOLE, 50, 50, FRAME)).toEqual(WHOLE);
  expect(moved(zoomed(WHOLE, 2, FRAME), 9999, -9999, FRAME)).toMatchObject({ x: 200, y: -150 });
});

it("turns by quarters, whole again each time", () => {
  expect(turned(zoomed(WHOLE, 4, FRAME))).toEqual({ ...WHOLE, turn: 1 });
  expect([1, 2, 3, 4].reduce(turned, WHOLE)).toEqual(WHOLE);
});
