import { expect, it } from "vitest";

import { Choice, choiceOf, filterOf } from "./wellness";

const wellness = { blurLevel: 4, grayscale: true, sepia: false, muteVideo: true, muteAudio: true, veilText: false, veilAfter: 20, breakAfterReveals: 0, breakAfterMinutes: 0, isOwn: false };

it("a veil is blurred also at its thinnest, and a lifted one keeps its tint", () => {
  expect(filterOf({ ...wellness, blurLevel: 0 }, false)).toBe("blur(6px) grayscale(1)");
  expect(filterOf(wellness, true)).toBe("grayscale(1)");
  expect(filterOf({ ...wellness, grayscale: false }, true)).toBe("none");
});

it("what is sent is what can be chosen, and grey and sepia are never both", () => {
  expect(Choice.parse(choiceOf(wellness))).toEqual(choiceOf(wellness));
  expect(Choice.safeParse({ ...choiceOf(wellness), sepia: true }).success).toBe(false);
  expect(Choice.safeParse({ ...choiceOf(wellness), veilAfter: 601 }).success).toBe(false);
});
