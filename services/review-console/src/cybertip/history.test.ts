import { expect, it } from "vitest";

import { historyOf } from "./history";
import { bodyOf, missingIn, valuesOf, type Settings } from "./ncmec";
import type { Details } from "./query";

const say = ((key: string, values?: object) => `${key} ${JSON.stringify(values ?? {})}`) as unknown as Parameters<typeof historyOf>[1];
const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const call = (step: string, outcome: string, second: number, code: number | null = 0) => ({ attempt: 1, step, outcome, status: 200, code, milliseconds: 5, at: at(second) });

it("what became of a report is told in order, and what failed is told from what went well", () => {
  const details = {
    cybertip: { requestedAt: at(0), filedAt: at(6), reportId: "25", reviewer: { name: "Sofia" } },
    attempts: [
      { number: 1, reportId: "24", startedAt: at(1), endedAt: at(3), outcome: "RETRACTED" },
      { number: 2, reportId: "25", startedAt: at(4), endedAt: at(6), outcome: "FILED" },
    ],
    calls: [call("submit", "ok", 1), call("upload", "refused", 2, 4100), call("retract", "ok", 3), call("submit", "ok", 4), call("finish", "ok", 6)],
  } as unknown as Details;
  const steps = historyOf(details, say);
  expect(steps.map((one) => one.key)).toEqual(["decided", "begin 1", "call 0", "call 1", "call 2", "end 1", "begin 2", "call 3", "call 4", "filed"]);
  expect(steps.filter((one) => one.isGrave).map((one) => one.key)).toEqual(["call 1", "end 1"]);
  expect(steps.find((one) => one.key === "call 1")?.text).toContain('"code":"4100"');
});

const STORED = { revision: 3, enabled: true, hasPassword: true, missing: [], filesReal: false, username: "esp", companyReportName: "Largo", legalUrl: "https://largo.example", contactEmail: "a@largo.example", additionalInfoHeaderNames: ["X-Key"], preservationHeaderNames: [] } as unknown as Settings;

it("a password that nobody typed and headers that nobody sees stay as they are stored", () => {
  const body = bodyOf(valuesOf(STORED), STORED);
  expect([body.password, body.additionalInfoHeaders, body.preservationHeaders, body.contactPerson, body.additionalInfoEndpoint]).toEqual([null, { "X-Key": null }, null, null, null]);
  expect(bodyOf({ ...valuesOf(STORED), password: "new" }, STORED).password).toBe("new");
});

it("what is missing is what is entered now, and not what was stored", () => {
  expect(missingIn(valuesOf(STORED), true)).toEqual([]);
  expect(missingIn({ ...valuesOf(STORED), legalUrl: " " }, false)).toEqual(["password", "legalUrl"]);
  expect(missingIn({ ...valuesOf(STORED), password: "typed" }, false)).toEqual([]);
});
