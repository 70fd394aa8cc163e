/**
 * How far the server's clock is ahead of this machine's, from the `Date` of its answers.
 *
 * A date is cut to the second and was written somewhere between asking and hearing: each answer bounds
 * the offset from both sides, and a few of them together within some tens of milliseconds (the same
 * reasoning as in Cristian's algorithm).
 *
 * Guarantees: an answer that contradicts the earlier ones (a clock was set) begins anew; what the other
 * side says is believed only if it is a date.
 */
import { setServerTime } from "./moment";

interface Bounds {
  readonly least: number;
  readonly most: number;
}

const SECOND_MS = 1000;
let known: Bounds | null = null;

/** Both bounds of the offset in milliseconds; null: it says nothing. */
export function boundsOf(date: string | null, askedAt: number, heardAt: number): Bounds | null {
  const told = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(told) || !(heardAt >= askedAt)) return null;
  return { least: told - heardAt, most: told + SECOND_MS - askedAt };
}

export function narrowed(before: Bounds | null, next: Bounds): Bounds {
  if (before === null) return next;
  const least = Math.max(before.least, next.least);
  const most = Math.min(before.most, next.most);
  return least <= most ? { least, most } : next;
}

/** An answer came: moments are of this machine's clock, in milliseconds. */
export function heard(date: string | null, askedAt: number, heardAt: number): void {
  const bounds = boundsOf(date, askedAt, heardAt);
  if (bounds === null) return;
  known = narrowed(known, bounds);
  setServerTime(Date.now() + (known.least + known.most) / 2);
}
