import { expect, it } from "vitest";

import { idsIn, Search } from "./query";

it("ids are pasted one a line: each counts once, and blank lines are nobody", () => {
  expect(idsIn(" a \n\nb\r\na\n c d ")).toEqual(["a", "b", "c d"]);
  expect(idsIn(" \n ")).toEqual([]);
});

it("an address that somebody made up is one without it", () => {
  expect(Search.parse({ state: "HALF", id: "", new: "x" })).toEqual({});
  expect(Search.parse({ state: "RUNNING", id: "e" })).toEqual({ state: "RUNNING", id: "e" });
});
