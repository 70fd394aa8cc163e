/**
 * The time that figures are asked for: whole days of the viewer's zone, cut into hours or days.
 *
 * Guarantees: days begin at midnight of that zone, also where it has half hours or clocks change; the
 * end is never in the future; hours are for three days at most.
 * Must not: cut time into buckets itself; review-api does, in the same zone.
 */
import dayjs from "dayjs";
import timezone from "dayjs/plugin/timezone";
import utc from "dayjs/plugin/utc";

import { SPANS, USUAL, type WindowSearch } from "./search";

dayjs.extend(utc);
dayjs.extend(timezone);

export const LONGEST_HOURLY = 3; // days
const LONGEST = 366;
const DAY_FORM = "YYYY-MM-DD";

export interface TimeWindow {
  readonly since: string;
  readonly until: string;
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly bucket: "HOUR" | "DAY";
  readonly isCompared: boolean;
  /** The last day is not over yet. */
  readonly isGoingOn: boolean;
}

export function dayOf(at: number | string, zone: string): string {
  return dayjs(at).tz(zone).format(DAY_FORM);
}

/** Midnight with which a day begins there. */
export function startOf(day: string, zone: string): number {
  return dayjs.tz(day, DAY_FORM, zone).valueOf();
}

export function moved(day: string, days: number): string {
  return dayjs.utc(day, DAY_FORM).add(days, "day").format(DAY_FORM);
}

function between(from: string, to: string): number {
  return dayjs.utc(to, DAY_FORM).diff(dayjs.utc(from, DAY_FORM), "day") + 1;
}

export function windowOf(search: WindowSearch, now: number, zone: string): TimeWindow {
  const today = dayOf(now, zone);
  const { from, to } = daysOf(search, today);
  const days = between(from, to);
  const isHourly = days <= LONGEST_HOURLY && (search.by ?? (days === 1 ? "HOUR" : "DAY")) === "HOUR";
  const end = startOf(moved(to, 1), zone);
  return {
    since: new Date(startOf(from, zone)).toISOString(),
    until: new Date(Math.min(end, now)).toISOString(),
    from,
    to,
    days,
    bucket: isHourly ? "HOUR" : "DAY",
    isCompared: search.against !== "none",
    isGoingOn: end > now,
  };
}

function daysOf({ from, to, span }: WindowSearch, today: string): { from: string; to: string } {
  if (from !== undefined && to !== undefined && from <= to && from <= today && between(from, to) <= LONGEST) return { from, to: to > today ? today : to };
  return { from: moved(today, 1 - SPANS[span ?? USUAL]), to: today };
}
