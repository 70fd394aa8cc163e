/**
 * What somebody types, kept under a key until it is sent: it survives another row, page or reload.
 */
import { useState } from "react";

const PLACE = "coop.typed.";

export function useKept(key: string): [string, (text: string) => void] {
  const [state, setState] = useState({ key, text: readKept(key) });
  const text = state.key === key ? state.text : readKept(key);
  const keep = (typed: string) => {
    writeKept(key, typed);
    setState({ key, text: typed });
  };
  return [text, keep];
}

/** The same for what is more than text; `read` makes of anything what it should be. */
export function useKeptAs<T>(key: string, read: (kept: unknown) => T, write: (value: T) => unknown = (value) => value): [T, (value: T) => void] {
  const [state, setState] = useState(() => ({ key, value: read(parsed(readKept(key))) }));
  const value = state.key === key ? state.value : read(parsed(readKept(key)));
  const keep = (next: T) => {
    writeKept(key, JSON.stringify(write(next)));
    setState({ key, value: next });
  };
  return [value, keep];
}

/** What is kept there; nothing is "". */
export function readKept(key: string): string {
  try {
    return sessionStorage.getItem(PLACE + key) ?? "";
  } catch {
    return "";
  }
}

/** "" keeps nothing there: it was sent. */
export function writeKept(key: string, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(PLACE + key);
    else sessionStorage.setItem(PLACE + key, text);
  } catch {
    // A browser that keeps nothing still shows what is typed.
  }
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
