import { afterEach, expect, it } from "vitest";

import { words as chart } from "@/chart/words";
import { words as control } from "@/control/words";
import { words as decisionLog } from "@/decision-log/words";
import { words as form } from "@/form/words";
import { words as investigation } from "@/investigation/words";
import { words as item } from "@/item/words";
import { words as overview } from "@/overview/words";
import { words as queue } from "@/queue/words";
import { words as review } from "@/review/words";
import { words as session } from "@/session/words";
import { words as shell } from "@/shell/words";
import { words as table } from "@/table/words";
import { words as time } from "@/time/words";
import { words as veil } from "@/veil/words";
import { words as wellness } from "@/wellness/words";

import { pseudoOf } from "./pseudo";
import { defineWords, sayer, setLocale } from "./words";

afterEach(() => setLocale("en"));

it("every message of every catalogue can be read, in English and in the pseudo locale", () => {
  for (const words of [chart, control, decisionLog, form, investigation, item, overview, queue, review, session, shell, table, time, veil, wellness]) {
    for (const message of Object.values(words.messages)) expect(() => pseudoOf(message)).not.toThrow();
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
