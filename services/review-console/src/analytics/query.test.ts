import { expect, it } from "vitest";

import { windowOf } from "@/measure/window";

import { questionsOf } from "./query";

const asked = { window: windowOf({}, Date.now(), "America/St_Johns"), zone: "America/St_Johns", queues: ["spam"], userId: "me" };

it("counts are one request of at most twelve questions, all of the chosen queues and in the viewer's zone", () => {
  const questions = Object.values(questionsOf({ ...asked, isLead: true }));
  expect(questions.length).toBeLessThanOrEqual(12);
  for (const one of questions) expect([one.timeZone, one.filters?.queueIds]).toEqual(["America/St_Johns", ["spam"]]);
});

it("who leads nobody asks about nobody else", () => {
  const questions = questionsOf({ ...asked, isLead: false });
  for (const one of Object.values(questions).filter(({ groupBy }) => groupBy?.includes("REVIEWER"))) expect(one.filters?.reviewerIds).toEqual(["me"]);
});
