/**
 * Moments and spans as people read them: relative and absolute, in the viewer's zone, with its name.
 *
 * Guarantees: the server's clock counts (`setServerTime`); one timer wakes all of them.
 */
import { useSyncExternalStore } from "react";

import { languageTag, useWords } from "@/words/words";

import { words } from "./words";

const MINUTE_MS = 60_000;

let offset = 0;
let zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Milliseconds that the server's clock is ahead of this machine's. */
export function setServerTime(serverNow: number): void {
  offset = serverNow - Date.now();
}

export function setTimeZone(chosen: string | null): void {
  zone = chosen ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function timeZone(): string {
  return zone;
}

export function now(): number {
  return Date.now() + offset;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let second = Math.floor(now() / 1000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    // While nobody looked it stood still.
    second = Math.floor(now() / 1000);
    timer = setInterval(() => {
      second = Math.floor(now() / 1000);
      for (const one of listeners) one();
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Now in milliseconds, renewed every `everySeconds`. */
export function useNow(everySeconds = 30): number {
  const read = () => Math.floor(second / everySeconds) * everySeconds * 1000;
  return useSyncExternalStore(subscribe, read, read);
}

/** `4 h 12`, `26 min`, `1:52` (with `clock`), `3 d`. Never negative. */
export function useSpan(): (milliseconds: number) => string {
  const say = useWords(words);
  return (milliseconds) => {
    const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
    if (minutes < 1) return say("underMinute");
    if (minutes < 60) return say("minutes", { minutes });
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return say("hours", { hours, minutes: String(minutes % 60).padStart(2, "0") });
    return say("days", { days: Math.floor(hours / 24) });
  };
}

/** `4:12` of a countdown. */
export function clockOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Made once for each language, zone and shape: making one costs more than painting what it says. */
export function momentFormat(shape: Intl.DateTimeFormatOptions, language: string = languageTag()): Intl.DateTimeFormat {
  const options = { timeZone: zone, ...shape };
  const key = `${language} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) formats.set(key, (format = new Intl.DateTimeFormat(language, options)));
  return format;
}

const DAY = { day: "numeric", month: "short" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;

/** `28 Nov 2026, 14:31:07 CET`. */
export function absolute(at: number | string, seconds = true): string {
  return momentFormat({ ...DAY, year: "numeric", ...CLOCK, ...(seconds ? { second: "2-digit" } : {}), timeZoneName: "short" }).format(new Date(at));
}

/**
 * A moment: `14:31` today, `28 Nov 14:31` before; the whole of it and how long ago on hover. `dated`: with
 * its day also today, as in a column where other days stand below.
 */
export function Moment({ at, relative = false, dated = false }: { at: string; relative?: boolean; dated?: boolean }) {
  const say = useWords(words);
  const span = useSpan();
  const today = useNow(MINUTE_MS / 1000);
  const then = Date.parse(at);
  // `today` is the minute that began last: what happened within it is not to come.
  const ago = then - today >= MINUTE_MS ? say("soon", { span: span(then - today) }) : say("ago", { span: span(today - then) });
  const day = (moment: number) => momentFormat({}, "en-CA").format(moment);
  const short = momentFormat({ ...(!dated && day(then) === day(today) ? {} : DAY), ...CLOCK }).format(then);
  return (
    <time dateTime={at} title={say("whole", { absolute: absolute(at), ago })}>
      {relative ? ago : short}
    </time>
  );
}
