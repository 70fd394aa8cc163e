/** Days and hours as they are written at an axis and in a sentence. */
import { momentFormat } from "@/time/moment";
import { useLocale } from "@/words/words";

/** `21 Nov` of `2026-11-21`, with its year once that is not this one. */
export function useDayName(): (day: string) => string {
  useLocale();
  const year = new Date().getFullYear();
  return (day) => momentFormat({ day: "numeric", month: "short", ...(day.startsWith(String(year)) ? {} : { year: "numeric" }), timeZone: "UTC" }).format(Date.parse(day));
}

/** `21–27 Nov` of two days. */
export function useDayRange(): (from: string, to: string) => string {
  useLocale();
  const year = String(new Date().getFullYear());
  return (from, to) => momentFormat({ day: "numeric", month: "short", ...(from.startsWith(year) ? {} : { year: "numeric" }), timeZone: "UTC" }).formatRange(Date.parse(from), Date.parse(to));
}

/** Of a bucket in the viewer's zone: `Sat 21`, `21 Nov` among many, `14:00`, `Sat 14:00` among several days. */
export function useBucketName(bucket: "HOUR" | "DAY", buckets: number): (start: string) => string {
  useLocale();
  const parts: Intl.DateTimeFormatOptions =
    bucket === "HOUR"
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(buckets > 25 ? { weekday: "short" } : {}) }
      : buckets > 14
        ? { day: "numeric", month: "short" }
        : { weekday: "short", day: "numeric" };
  const format = momentFormat(parts);
  return (start) => format.format(Date.parse(start));
}
