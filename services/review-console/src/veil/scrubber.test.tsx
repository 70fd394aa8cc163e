import { expect, test } from "vitest";

import { frameAt } from "./scrubber";

test("the frame of a place is that of its ninth, also at both ends and where the length is not known", () => {
  expect([0, 0.9, 1, 4.5, 8.9, 9, 12, -1].map((at) => frameAt(at, 9))).toEqual([0, 0, 1, 4, 8, 8, 8, 0]);
  expect(frameAt(3, 0)).toBe(0);
});
