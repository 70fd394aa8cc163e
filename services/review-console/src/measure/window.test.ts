import { expect, it } from "vitest";

import { WindowSearch } from "./search";
import { dayOf, startOf, windowOf } from "./window";

const NOW = Date.parse("2026-11-27T20:06:00Z");

it("a week is today and the six days before, from midnight to now", () => {
  const found = windowOf({}, NOW, "Europe/Berlin");
  expect(found).toMatchObject({ from: "2026-11-21", to: "2026-11-27", days: 7, bucket: "DAY", isCompared: true, isGoingOn: true });
  expect([found.since, found.until]).toEqual(["2026-11-20T23:00:00.000Z", "2026-11-27T20:06:00.000Z"]);
});

it("in Kolkata it is the next day already, and midnight is at half past", () => {
  const found = windowOf({ span: "today" }, NOW, "Asia/Kolkata");
  expect([found.from, found.since, found.bucket]).toEqual(["2026-11-28", "2026-11-27T18:30:00.000Z", "HOUR"]);
});

it("days of 23 and 25 hours begin and end at midnight", () => {
  expect((startOf("2026-03-30", "Europe/Berlin") - startOf("2026-03-29", "Europe/Berlin")) / 3_600_000).toBe(23);
  expect((startOf("2026-10-26", "Europe/Berlin") - startOf("2026-10-25", "Europe/Berlin")) / 3_600_000).toBe(25);
  expect((startOf("2026-11-02", "America/St_Johns") - startOf("2026-11-01", "America/St_Johns")) / 3_600_000).toBe(25);
  expect(new Date(startOf("2026-07-01", "America/St_Johns")).toISOString()).toBe("2026-07-01T02:30:00.000Z");
});

it("a moment is of the day that the zone's clocks show", () => {
  expect([dayOf(NOW, "Pacific/Kiritimati"), dayOf(NOW, "America/Los_Angeles")]).toEqual(["2026-11-28", "2026-11-27"]);
});

it("chosen days are whole, and end at midnight once they are over", () => {
  const found = windowOf({ from: "2026-11-01", to: "2026-11-03", by: "HOUR" }, NOW, "UTC");
  expect(found).toMatchObject({ since: "2026-11-01T00:00:00.000Z", until: "2026-11-04T00:00:00.000Z", days: 3, bucket: "HOUR", isGoingOn: false });
});

it("more than three days are never asked for by the hour", () => {
  expect(windowOf({ span: "7d", by: "HOUR" }, NOW, "UTC").bucket).toBe("DAY");
});

it("days that cannot be are the usual week", () => {
  for (const search of [{ from: "2026-11-05", to: "2026-11-01" }, { from: "2020-01-01", to: "2026-11-01" }, { from: "2027-01-01", to: "2027-01-02" }]) {
    expect(windowOf(search, NOW, "UTC").from).toBe("2026-11-21");
  }
  expect(WindowSearch.parse({ from: "2026-02-31", to: "x", span: 9, by: "WEEK" })).toEqual({});
});
