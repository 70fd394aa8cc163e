/** How a number changed, as a percentage; and whether that is worth a bold word. */
import { languageTag } from "@/words/words";

export const WORTH_A_LOOK = 15; // per cent

export type Change = { readonly kind: "none" } | { readonly kind: "new" } | { readonly kind: "percent"; readonly value: number; readonly isLarge: boolean };

/** None: nothing to compare with. New: there was none before. */
export function changeOf(now: number | null, before: number | null | undefined): Change {
  if (now === null || before === null || before === undefined) return { kind: "none" };
  if (before === 0) return now === 0 ? { kind: "percent", value: 0, isLarge: false } : { kind: "new" };
  const value = ((now - before) / before) * 100;
  return { kind: "percent", value, isLarge: Math.abs(value) >= WORTH_A_LOOK };
}

/** `+8.2`, `−15`, `0`: with the minus of mathematics, which is as wide as a plus. */
export function signed(value: number, digits = 0): string {
  const rounded = Number(value.toFixed(digits));
  return new Intl.NumberFormat(languageTag(), { signDisplay: "exceptZero", maximumFractionDigits: digits }).format(rounded === 0 ? 0 : rounded).replace("-", "−");
}

/** Hundredths that sum up to something: 71.2 of 11,639 and 4,708. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? (part / whole) * 100 : null;
}
