import { expect, it } from "vitest";

import { shownOf, type Stored } from "./query";

const kind = (name: string, more: Partial<Stored> = {}): Stored => ({ name, place: "review", what: `what ${name} is`, about: "NOBODY", kept: "30 days", operator: null, organisation: null, ends: true, erased: "NOTHING", note: null, ...more });
const ALL = [kind("decisions", { about: "END_USER", organisation: "recordDays" }), kind("items", { about: "END_USER" }), kind("media", { operator: "COOP_REVIEW_MEDIA_DAYS" }), kind("outbox")];
const names = (search: Parameters<typeof shownOf>[1]) => shownOf(ALL, search).map(({ name }) => name);

it("what is of end users stands first; what can be changed, by whomever, is a choice of its own", () => {
  expect(names({})).toEqual(["decisions", "items"]);
  expect(names({ view: "CHANGEABLE" })).toEqual(["decisions", "media"]);
  expect(names({ view: "ALL" })).toHaveLength(4);
});

it("is found by what it is, its name and the setting that changes it", () => {
  expect(names({ view: "ALL", q: "what OUTBOX" })).toEqual(["outbox"]);
  expect(names({ view: "ALL", q: "media_days" })).toEqual(["media"]);
  expect(names({ q: "outbox" })).toEqual([]);
});
