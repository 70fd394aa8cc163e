import { expect, it } from "vitest";

import { dataOf, requestIn } from "@/settings/sample";

import { bodyOf, breaksOf, NEW_FIELD, reads, rolesFor, valuesOf, type ItemType } from "./item-type";

const post = {
  id: "t1",
  name: "Post",
  kind: "CONTENT",
  description: "",
  fields: [
    { name: "text", type: "STRING", required: true },
    { name: "made", type: "DATETIME", required: false },
    { name: "images", type: "ARRAY", required: false, container: { containerType: "ARRAY", valueScalarType: "IMAGE", keyScalarType: null } },
    { name: "scores", type: "MAP", required: false, container: { containerType: "MAP", valueScalarType: "NUMBER", keyScalarType: "STRING" } },
    { name: "author", type: "RELATED_ITEM", required: true },
  ],
  fieldRoles: { createdAt: "made", creatorId: "author" },
  hiddenFields: ["made"],
  revision: 1,
  version: "v",
  updatedAt: "",
  updatedBy: "",
} as unknown as ItemType;

const levels = (found: { level: string; text: string }[]) => found.map(({ level, text }) => `${level}: ${text.split(" ")[0]}`);

it("what was read and is sent back unchanged says the same", () => {
  const { name, kind, description, fields, fieldRoles, hiddenFields } = post;
  expect(bodyOf(valuesOf(post))).toEqual({ name, kind, description, fields, fieldRoles, hiddenFields });
});

it("a field that is renamed keeps its role, and is still hidden", () => {
  const values = valuesOf(post);
  const body = bodyOf({ ...values, fields: values.fields.map((one) => (one.name === "made" ? { ...one, name: "created_at" } : one)) });
  expect(body.fieldRoles?.createdAt).toBe("created_at");
  expect(body.hiddenFields).toEqual(["created_at"]);
});

it("a role is offered for its type and its kind only, and to one field", () => {
  const values = valuesOf(post);
  expect(rolesFor(values, 0)).toEqual(["displayName"]);
  expect(rolesFor(values, 2)).toEqual([]);
  expect(rolesFor(values, 4)).toEqual(["creatorId", "threadId", "parentId"]);
  expect(rolesFor({ ...values, fields: [...values.fields, { ...NEW_FIELD, scalar: "RELATED_ITEM" }] }, 5)).toEqual(["threadId", "parentId"]);
  expect(rolesFor({ ...values, kind: "THREAD" }, 4)).toEqual(["creatorId"]);
  expect(bodyOf({ ...values, kind: "USER" }).fieldRoles).toEqual({ createdAt: "made" });
});

it("what a change breaks is told, the gravest first", () => {
  const before = valuesOf(post);
  expect(breaksOf(before, valuesOf(post))).toEqual([]);
  const [text, made, , scores, author] = before.fields as [never, never, never, never, never];
  const after = { ...before, fields: [text, { ...(made as object), required: true }, { ...(scores as object), scalar: "STRING" }, author, { ...NEW_FIELD, name: "lang" }, { ...NEW_FIELD, name: "place", required: true }] as typeof before.fields };
  const found = breaksOf(before, after);
  expect(levels(found)).toEqual(["severe: images", "severe: scores", "high: made", "high: place", "done: lang"]);
  expect(found.filter(({ field }) => field !== null).map(({ field }) => field)).toEqual(["images", "scores"]);
});

it("a field that is called otherwise is one that goes and one that comes", () => {
  const before = valuesOf(post);
  const after = { ...before, fields: before.fields.map((one) => (one.name === "text" ? { ...one, name: "body" } : one)) };
  expect(levels(breaksOf(before, after))).toEqual(["severe: text", "high: body"]);
});

it("a rule reads a field where a condition names it of that type", () => {
  const tree = { conjunction: "AND", conditions: [{ conditions: [{ input: { type: "CONTENT_FIELD", name: "text", contentTypeId: "t1" } }] }] };
  expect(reads(tree, "t1", "text")).toBe(true);
  expect(reads(tree, "t2", "text")).toBe(false);
  expect(reads(tree, "t1", "made")).toBe(false);
});

it("a sample has a value for each field that its type can be read as", () => {
  const user = { ...post, id: "u1", kind: "USER", name: "User" } as ItemType;
  expect(dataOf(post, [post, user], "2026-01-01T00:00:00.000Z")).toEqual({ text: "Hello", made: "2026-01-01T00:00:00.000Z", images: ["https://example.com/picture.jpg"], scores: { key: 1 }, author: { id: "user-1", typeId: "u1" } });
});

it("a sample names neither key nor address, and survives quotes", () => {
  const body = { text: "it's" };
  expect(requestIn("curl", "report", body)).toContain(`'{\n  "text": "it'\\''s"\n}'`);
  for (const language of ["curl", "python", "javascript"] as const) expect(requestIn(language, "report", body)).toMatch(/COOP_KEY/);
});
