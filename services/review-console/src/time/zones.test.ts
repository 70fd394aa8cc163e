import { expect, it } from "vitest";

import { zonesOf } from "./zones";

it("zones have the names of today, once each, in order, and a browser takes them", () => {
  expect(zonesOf(["Europe/Kiev", "Asia/Calcutta", "Asia/Kolkata", "UTC"])).toEqual(["Asia/Kolkata", "Europe/Kyiv", "UTC"]);
  const zones = zonesOf(Intl.supportedValuesOf("timeZone"));
  expect(zones).toContain("Asia/Kolkata");
  for (const timeZone of zones) expect(new Intl.DateTimeFormat("en", { timeZone }).format(0)).toBeTruthy();
});
