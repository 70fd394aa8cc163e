import { expect, it } from "vitest";

import type { Item } from "./context";
import { keyOf, merged, rowsOf, runOf } from "./thread-rows";

function message(id: string, author: string, at: string): Item {
  return { id, typeId: "m", typeVersion: "1", data: { text: id }, creator: { id: author, typeId: "u", displayName: author }, displayName: null, submittedAt: at, saidAt: at, carrier: "HISTORY", media: [] };
}

const ALL = [message("1", "ana", "2026-11-27T10:00:00Z"), message("2", "ana", "2026-11-27T10:01:00Z"), message("3", "bo", "2026-11-27T10:02:00Z"), message("4", "bo", "2026-11-29T10:00:00Z")];

it("has a line for each day, and the name on the first message of a run", () => {
  const rows = rowsOf(ALL);
  expect(rows.map((row) => row.message?.id ?? "day")).toEqual(["day", "1", "2", "3", "day", "4"]);
  expect(rows.filter((row) => row.isFirst).map((row) => row.message?.id)).toEqual(["1", "3", "4"]);
});

it("a run of an author ends where another speaks", () => {
  expect(runOf(ALL, keyOf({ id: "2", typeId: "m" }))).toEqual(["m 1", "m 2"]);
  expect(runOf(ALL, keyOf({ id: "4", typeId: "m" }))).toEqual(["m 3", "m 4"]);
  expect(runOf(ALL, "nobody")).toEqual([]);
});

it("parts that overlap have each message once, in their order", () => {
  expect(merged(ALL.slice(0, 2), ALL.slice(1)).map((one) => one.id)).toEqual(["1", "2", "3", "4"]);
});
