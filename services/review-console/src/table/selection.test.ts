import { expect, it } from "vitest";

import { allOf, extended, NOTHING, toggled } from "./selection";

const SHOWN = ["a", "b", "c", "d"];

it("a range goes from the row picked last to this one, either way", () => {
  expect([...extended(toggled(NOTHING, "b"), "d", SHOWN).ids].sort()).toEqual(["b", "c", "d"]);
  expect([...extended(toggled(NOTHING, "d"), "b", SHOWN).ids].sort()).toEqual(["b", "c", "d"]);
});

it("picks survive a page on which they are not", () => {
  const picked = toggled(NOTHING, "z");
  expect(allOf(picked, SHOWN).ids.has("z")).toBe(true);
});

it("all shown are picked, and a second time none of them", () => {
  const all = allOf(NOTHING, SHOWN);
  expect(all.ids.size).toBe(4);
  expect(allOf(all, SHOWN).ids.size).toBe(0);
});
