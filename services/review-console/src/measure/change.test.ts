import { expect, it } from "vitest";

import { changeOf, shareOf, signed } from "./change";

it("a change is a percentage of what was before, large from fifteen", () => {
  expect(changeOf(108, 100)).toEqual({ kind: "percent", value: 8, isLarge: false });
  expect(changeOf(85, 100)).toEqual({ kind: "percent", value: -15, isLarge: true });
});

it("from nothing to something there is no percentage, from nothing to nothing no change", () => {
  expect(changeOf(3, 0)).toEqual({ kind: "new" });
  expect(changeOf(0, 0)).toEqual({ kind: "percent", value: 0, isLarge: false });
  expect(changeOf(3, null)).toEqual({ kind: "none" });
  expect(changeOf(null, 3)).toEqual({ kind: "none" });
});

it("signs are printed, of nothing none, and none of what is rounded to nothing", () => {
  expect([signed(8.24, 1), signed(-15), signed(0), signed(-0.2), signed(1234)]).toEqual(["+8.2", "−15", "0", "0", "+1,234"]);
});

it("a share of nothing is not known", () => {
  expect([shareOf(1, 4), shareOf(0, 0)]).toEqual([25, null]);
});
