/**
 * What somebody types, kept under a key until it is sent: it survives another row, page or reload.
 */
import { useState } from "react";

const PLACE = "coop.typed.";

export function useKept(key: string): [string, (text: string) => void] {
  const [state, setState] = useState({ key, text: read(key) });
  const text = state.key === key ? state.text : read(key);
  const keep = (typed: string) => {
    try {
      if (typed === "") sessionStorage.removeItem(PLACE + key);
      else sessionStorage.setItem(PLACE + key, typed);
    } catch {
      // A browser that keeps nothing still shows what is typed.
    }
    setState({ key, text: typed });
  };
  return [text, keep];
}

function read(key: string): string {
  try {
    return sessionStorage.getItem(PLACE + key) ?? "";
  } catch {
    return "";
  }
}
