/**
 * When a session ends that is not used: reckoned here, because asking for it would be using it.
 *
 * Guarantees: never later than the server's end, which is as long after the last request, of any tab,
 * and which notes requests no more exactly than by the minute; no answer after that end moves it.
 */
import { onTold, tell } from "@/live/tabs";
import { now } from "@/time/moment";

const EXACT_MS = 60_000;
const TELL_EVERY_MS = 20_000;

let span = Infinity; // milliseconds
let usedAt = 0;
let toldAt = 0;

/** From a session's own word: it ends then if it is not used. */
export function counting(idleExpiresAt: number): void {
  usedAt = now();
  span = idleExpiresAt - usedAt;
  share();
}

export function used(): void {
  usedAt = now();
  if (usedAt - toldAt > TELL_EVERY_MS) share();
}

function share(): void {
  toldAt = usedAt;
  tell({ kind: "used" });
}

onTold((message) => {
  if (message.kind === "used") usedAt = now();
});

/** The moment, in milliseconds of the server's clock. */
export function idleEnd(): number {
  return usedAt + span - Math.min(EXACT_MS, span / 2);
}
