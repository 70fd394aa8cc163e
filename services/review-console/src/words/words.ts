/**
 * What people read: catalogues of ICU messages, one for each feature, and the locale they are shown in.
 *
 * Guarantees: a key that a catalogue lacks does not compile; plurals, numbers and dates follow the
 * locale; the pseudo locale is made of the English one, so that it is never behind.
 * Must not: take what platforms or people wrote as a message; that goes in as a value.
 */
import type { ReactNode } from "react";
import { useSyncExternalStore } from "react";
import { IntlMessageFormat } from "intl-messageformat";

import { pseudoOf } from "./pseudo";

export type Catalogue = Readonly<Record<string, string>>;
export type Value = string | number | boolean | Date | null | undefined;
type Part = ReactNode | ((chunks: ReactNode[]) => ReactNode);

/** `say(key, values)` is a plain string; `say.rich` may contain elements, by `<tag>` or by value. */
export interface Say<Key extends string> {
  (key: Key, values?: Readonly<Record<string, Value>>): string;
  rich: (key: Key, values: Readonly<Record<string, Part | Value>>) => ReactNode;
}

export interface Words<Key extends string> {
  readonly messages: Readonly<Record<Key, string>>;
  readonly compiled: Map<string, IntlMessageFormat>;
}

/** `pseudo` is for tests: accented, a third longer, and right to left. */
export const LOCALES = ["en", "pseudo"] as const;
export type Locale = (typeof LOCALES)[number];

let current: Locale = "en";
const listeners = new Set<() => void>();

export function locale(): Locale {
  return current;
}

/** The tag for `Intl`: what the browser prefers of English, for dates and numbers. */
export function languageTag(): string {
  if (current === "pseudo") return "ar-u-nu-latn";
  const preferred = typeof navigator === "undefined" ? "en" : navigator.language;
  return preferred.startsWith("en") ? preferred : "en-GB";
}

export function setLocale(chosen: Locale): void {
  current = chosen;
  document.documentElement.lang = chosen === "pseudo" ? "ar" : "en";
  document.documentElement.dir = chosen === "pseudo" ? "rtl" : "ltr";
  for (const listener of listeners) listener();
}

export function useLocale(): Locale {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    locale,
    locale,
  );
}

/** A feature's catalogue, in English. */
export function defineWords<const C extends Catalogue>(messages: C): Words<Extract<keyof C, string>> {
  return { messages, compiled: new Map() };
}

/** Outside of components. */
export function sayer<Key extends string>(words: Words<Key>): Say<Key> {
  const say = (key: Key, values?: Readonly<Record<string, Value>>): string =>
    String(compiled(words, key).format(values as Record<string, string | number | Date>));
  const rich = (key: Key, values: Readonly<Record<string, Part | Value>>): ReactNode => {
    const parts = compiled(words, key).format<ReactNode>(values as Record<string, ReactNode>);
    return Array.isArray(parts) ? keyed(parts as ReactNode[]) : (parts as ReactNode);
  };
  return Object.assign(say, { rich });
}

export function useWords<Key extends string>(words: Words<Key>): Say<Key> {
  useLocale();
  return sayer(words);
}

function compiled<Key extends string>(words: Words<Key>, key: Key): IntlMessageFormat {
  const name = `${current}:${key}`;
  let message = words.compiled.get(name);
  if (!message) {
    const english = words.messages[key];
    const source = current === "pseudo" ? pseudoOf(english) : english;
    message = new IntlMessageFormat(source, current === "pseudo" ? "en" : languageTag());
    words.compiled.set(name, message);
  }
  return message;
}

function keyed(parts: ReactNode[]): ReactNode {
  return parts.map((part, index) =>
    typeof part === "object" && part !== null && "props" in part ? { ...part, key: `p${index}` } : part,
  );
}
