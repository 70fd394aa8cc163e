import { expect, it } from "vitest";

import { boundsOf, narrowed } from "./server-clock";

const DATE = "Sun, 29 Nov 2026 12:00:00 GMT";
const NOON = Date.parse(DATE);

it("an answer bounds the server's clock from both sides", () => {
  // Asked at 11:59:50.0 of this machine, heard 100 ms later: the server is 9.9 to 11 s ahead.
  expect(boundsOf(DATE, NOON - 10_000, NOON - 9_900)).toEqual({ least: 9_900, most: 11_000 });
  expect(boundsOf(null, 0, 1)).toBeNull();
  expect(boundsOf("soon", 0, 1)).toBeNull();
  expect(boundsOf(DATE, 2, 1)).toBeNull();
});

it("several answers together bound it closer, and a clock that was set begins anew", () => {
  const first = { least: 9_900, most: 11_000 };
  expect(narrowed(null, first)).toEqual(first);
  expect(narrowed(first, { least: 9_200, most: 10_100 })).toEqual({ least: 9_900, most: 10_100 });
  expect(narrowed(first, { least: -50, most: 1_000 })).toEqual({ least: -50, most: 1_000 });
});
