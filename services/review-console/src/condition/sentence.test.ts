import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { sayer } from "@/words/words";

import { clauseOf, sentenceOf, type Condition, type ConditionSet } from "./sentence";
import { words } from "./words";

const say = sayer(words);
const called = { signal: (type: string) => ({ TEXT_MATCHING_CONTAINS_TEXT: "Text contains text", SCORE: "Toxicity" })[type] ?? type, bank: (id: string) => ({ b1: "Scams", b2: "Slurs" })[id] ?? id };
const of = (set: object) => sentenceOf(set as ConditionSet, called, say);
const field = (name: string) => ({ type: "CONTENT_FIELD", name });

it("a set is said in its order, with what joins its parts, and sets within in brackets", () => {
  expect(
    of({
      conjunction: "AND",
      conditions: [
        { input: { type: "CONTENT_COOP_INPUT", name: "All text" }, signal: { type: "TEXT_MATCHING_CONTAINS_TEXT" }, comparator: "EQUALS", threshold: "true", matchingValues: { textBankIds: ["b1"] } },
        { conjunction: "OR", conditions: [{ input: field("score"), comparator: "GREATER_THAN_OR_EQUALS", threshold: 0.9 }, { input: field("language"), comparator: "IN", threshold: ["en", "de"] }] },
      ],
    }),
  ).toBe("All text contains anything in the bank Scams and (score is at least 0.9 or language is one of “en”, “de”)");
});

it("what is turned round says so, and nothing says that there is nothing yet", () => {
  expect(of({ conjunction: "NOT", conditions: [{ input: { type: "USER_ID" }, comparator: "IN", threshold: ["u1"] }] })).toBe("not (the author is one of “u1”)");
  expect(of({ conjunction: "AND", conditions: [] })).toBe("no condition yet");
});

it("long lists are counted, long values cut, and several banks named", () => {
  const input = field("body_text");
  expect(of({ conjunction: "OR", conditions: [{ input, comparator: "IN", threshold: ["a", "b", "c", "d", "e"] }] })).toBe("body text is one of “a”, “b”, “c” and 2 more");
  expect(of({ conjunction: "OR", conditions: [{ input, signal: { type: "TEXT_MATCHING_CONTAINS_TEXT" }, matchingValues: { textBankIds: ["b1", "b2"], strings: ["x".repeat(200)] } }] })).toBe(
    `body text contains “${"x".repeat(79)}…” or anything in the banks Scams, Slurs`,
  );
});

it("counts, parts of signals and derived fields are said", () => {
  const counted = { type: "TEXT_MATCHING_CONTAINS_TEXT", args: { aggregationClause: { aggregation: "COUNT", groupBy: [{ type: "USER_ID" }], window: { sizeMs: 3_600_000, hopMs: 60_000 } } } };
  expect(of({ conjunction: "AND", conditions: [{ input: { type: "FULL_ITEM" }, signal: counted, comparator: "GREATER_THAN", threshold: 3 }] })).toBe("Text contains text of the whole item counted by the author within 3,600 s is more than 3");
  expect(of({ conjunction: "AND", conditions: [{ input: { type: "CONTENT_DERIVED_FIELD", spec: { derivationType: "VIDEO_TRANSCRIPTION", source: field("film") } }, signal: { type: "SCORE", subcategory: "insult" }, comparator: "LESS_THAN", threshold: 1 }] })).toBe(
    "Toxicity (insult) of the video transcription of film is less than 1",
  );
});

it("what is not written yet is left open, and nothing is said to be true", () => {
  for (const threshold of [null, "", []]) {
    expect(of({ conjunction: "AND", conditions: [{ input: field("text"), comparator: Array.isArray(threshold) ? "IN" : "EQUALS", threshold }] })).toMatch(/^text is (one of )?…$/);
  }
});

interface Vector {
  readonly condition: Condition;
  readonly says: string;
}
const table = JSON.parse(readFileSync(join(process.cwd(), "../review-api/tests/explanation/condition_sentences.json"), "utf8")) as { readonly signals: Record<string, string>; readonly banks: Record<string, string>; readonly vectors: Vector[] };
const known = { signal: (type: string) => table.signals[type] ?? type.replaceAll("_", " ").toLowerCase(), bank: (id: string) => table.banks[id] ?? id };

it.each(table.vectors)("review-api and the console say the same: $says", ({ condition, says }) => {
  expect(clauseOf(condition, known, say)).toBe(says);
});
