import { expect, it } from "vitest";

import { changesBetween } from "@/control/difference";

import { actionsFor } from "./act";
import { isAddress, latest, Search, wordOf } from "./query";

const action = { actionType: "CUSTOM_ACTION" as const, revision: 1, updatedAt: "", updatedBy: "" };
const type = { fields: [], revision: 1, updatedAt: "", updatedBy: "", version: "1" };

it("an action is offered where it is for every item, and where nothing more has to be said", () => {
  const names = {
    itemTypes: [{ ...type, id: "post", name: "Post", kind: "CONTENT" as const }, { ...type, id: "profile", name: "Profile", kind: "USER" as const }],
    actions: [{ ...action, id: "remove", name: "Remove", appliesToAllItemsOfKind: ["CONTENT" as const] }, { ...action, id: "warn", name: "Warn", itemTypeIds: ["post", "profile"] }],
  };
  const offered = (...ids: string[]) => actionsFor(ids.map((typeId) => ({ typeId, id: "1" })), names).map((one) => one.id);
  expect(offered("post")).toEqual(["remove", "warn"]);
  expect(offered("post", "profile")).toEqual(["warn"]);
  expect(offered("gone")).toEqual([]);
});

it("a link is searched by the last part of its path, and what is no link as it is", () => {
  expect(wordOf("https://largo.example/p/hammer%2D1?x=1")).toBe("hammer-1");
  expect(wordOf("  two words ")).toBe("two words");
  expect(wordOf("https://%")).toBe("https://%");
});

it("an address is told from words", () => {
  expect([isAddress("192.0.2.150"), isAddress("2001:db8::1"), isAddress("half past 12:30"), isAddress("hammer-1")]).toEqual([true, true, false, false]);
});

it("of an item sent twice the list has one, where it was first met", () => {
  expect(latest([{ id: "1", typeId: "t", n: 2 }, { id: "2", typeId: "t", n: 1 }, { id: "1", typeId: "t", n: 1 }])).toEqual([{ id: "1", typeId: "t", n: 2 }, { id: "2", typeId: "t", n: 1 }]);
});

it("versions are compared field by field", () => {
  expect(changesBetween({ text: "a", likes: 1 }, { text: "b", likes: 1, link: "x" })).toEqual([{ name: "link", before: undefined, after: "x" }, { name: "text", before: "a", after: "b" }]);
});

it("an id of digits alone is an id", () => {
  expect(Search.parse({ id: 42, type: "t" })).toEqual({ id: "42", type: "t" });
});
