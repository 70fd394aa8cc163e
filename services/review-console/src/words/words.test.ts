import { afterEach, expect, it } from "vitest";

import { pseudoOf } from "./pseudo";
import { defineWords, sayer, setLocale } from "./words";

afterEach(() => setLocale("en"));

const catalogues = import.meta.glob<Record<string, { messages: Record<string, string> }>>("../**/*words.ts", { eager: true });

it("every message of every catalogue can be read, in English and in the pseudo locale", () => {
  const all = Object.entries(catalogues).filter(([path]) => !path.endsWith("words/words.ts"));
  expect(all.length).toBeGreaterThan(15);
  for (const [path, { words }] of all) {
    for (const message of Object.values(words?.messages ?? {})) expect(() => pseudoOf(message), path).not.toThrow();
  }
});

it("plurals follow the number", () => {
  const say = sayer(defineWords({ left: "{n, plural, one {# job} other {# jobs}}" }));
  expect([say("left", { n: 1 }), say("left", { n: 2 })]).toEqual(["1 job", "2 jobs"]);
});

it("the pseudo locale is longer, accented, right to left, and keeps values as they are", () => {
  const words = defineWords({ hello: "Hello {name}" });
  setLocale("pseudo");
  expect(document.documentElement.dir).toBe("rtl");
  expect(sayer(words)("hello", { name: "Ana" })).toBe("⟦Ĥéļļô ··Ana⟧");
});

it("what people wrote is a value and never a message", () => {
  const say = sayer(defineWords({ told: "{text}" }));
  expect(say("told", { text: "{n, plural" })).toBe("{n, plural");
});
