/** Days as their fields hold them (`2026-11-30`), of this browser's zone. */

/** Its last second. */
export function endOfDay(day: string): string {
  return new Date(`${day}T23:59:59`).toISOString();
}
