/**
 * How the console looks and works for one person.
 *
 * Guarantees: kept on the account (theme, density and the master switch of keys with the profile, the
 * rest by `kept.ts`), and on this machine, so that the first paint has it; a change is in all tabs at
 * once; what cannot be read is the default.
 */
import { useSyncExternalStore } from "react";
import { z } from "zod/mini";

import { keys } from "@/key/registry";
import { tell, onTold } from "@/live/tabs";
import { setTimeZone } from "@/time/moment";
import { LOCALES, setLocale } from "@/words/words";

const Stored = z.object({
  theme: z.catch(z.enum(["SYSTEM", "LIGHT", "DARK"]), "SYSTEM"),
  density: z.catch(z.enum(["COMFORTABLE", "COMPACT"]), "COMPACT"),
  contrast: z.catch(z.enum(["SYSTEM", "MORE"]), "SYSTEM"),
  shortcuts: z.catch(z.boolean(), true),
  keys: z.catch(z.record(z.string(), z.string()), {}),
  locale: z.catch(z.enum(LOCALES), "en"),
  /** Null: the zone of this machine. */
  timeZone: z.catch(z.nullable(z.string()), null),
  navCollapsed: z.catch(z.boolean(), false),
  /** Hidden columns by id of the table. */
  hiddenColumns: z.catch(z.record(z.string(), z.array(z.string())), {}),
  /** Pixels of columns by id of the table, then of the column. */
  columnWidths: z.catch(z.record(z.string(), z.record(z.string(), z.number().check(z.minimum(40), z.maximum(1200)))), {}),
});
export type Preference = z.infer<typeof Stored>;

/** What follows a person to other machines. */
export const Travelling = z.pick(Stored, { contrast: true, keys: true, locale: true, timeZone: true, hiddenColumns: true, columnWidths: true });
export type Travelling = z.infer<typeof Travelling>;

const PLACE = "coop.preference";
let current = read();
const listeners = new Set<() => void>();

function read(): Preference {
  try {
    return Stored.parse(JSON.parse(localStorage.getItem(PLACE) ?? "{}"));
  } catch {
    return Stored.parse({});
  }
}

export function preference(): Preference {
  return current;
}

export function prefer(change: Partial<Preference>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(PLACE, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing still shows what was chosen.
  }
  apply();
  tell({ kind: "preference" });
}

/** After each change that was made in this tab or another. */
export function onPreferred(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreference(): Preference {
  return useSyncExternalStore(
    onPreferred,
    preference,
    preference,
  );
}

/** Puts the choices into force: on the document, the keys, the clock, the language. */
export function apply(): void {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = current.theme === "SYSTEM" ? (dark ? "dark" : "light") : current.theme.toLowerCase();
  root.setAttribute("data-mantine-color-scheme", theme);
  root.dataset.density = current.density.toLowerCase();
  root.dataset.contrast = current.contrast.toLowerCase();
  keys.configure(current.keys, current.shortcuts);
  setTimeZone(current.timeZone);
  setLocale(current.locale);
  for (const listener of listeners) listener();
}

/** Once, before the first paint. */
export function startPreferences(): void {
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  onTold((message) => {
    if (message.kind !== "preference") return;
    current = read();
    apply();
  });
}
