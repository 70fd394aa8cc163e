/**
 * Keys as they are written (`Mod+Enter`, `Shift+B`, `G Q`, `?`) and as browsers report them.
 *
 * A stroke is one press with its modifiers; a sequence is one or more strokes. `Mod` is ⌘ on a Mac and
 * Ctrl elsewhere. Letters are compared by what they type, digits also by their place on the board, so
 * that `1` works where digits need Shift. Where the layout types no Latin letters, the place counts.
 */
export interface Stroke {
  readonly key: string;
  readonly mod: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

export type KeyPress = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

export const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

const NAMED: Readonly<Record<string, string>> = { " ": "Space", Spacebar: "Space", Esc: "Escape" };

/** `"G Q"` as two strokes. Shift is part of a stroke for letters and named keys only: `?` is `?`. */
export function sequenceOf(written: string): Stroke[] {
  return written.trim().split(/\s+/).map(strokeOf);
}

function strokeOf(written: string): Stroke {
  const parts = written === "+" ? ["+"] : written.split("+");
  const key = parts.at(-1) ?? "";
  const held = new Set(parts.slice(0, -1));
  return { key: key.length === 1 ? key.toLowerCase() : key, mod: held.has("Mod"), alt: held.has("Alt"), shift: held.has("Shift") };
}

/** The stroke that an event is; null for a modifier alone, and with Ctrl on a Mac or ⌘ (⊞) elsewhere: those are the system's. */
export function strokeFrom(event: KeyPress): Stroke | null {
  if (isMac ? event.ctrlKey : event.metaKey) return null;
  if (["Control", "Meta", "Alt", "Shift", "AltGraph", "CapsLock", "Dead", "Process"].includes(event.key)) return null;
  const key = keyOf(event);
  const signed = key.length === 1 && !/[a-z0-9]/.test(key);
  return { key, mod: isMac ? event.metaKey : event.ctrlKey, alt: event.altKey, shift: signed ? false : event.shiftKey };
}

function keyOf(event: KeyPress): string {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit && (event.altKey || !/^[!-~]$/.test(event.key) || /\d/.test(event.key))) return digit;
  const named = NAMED[event.key] ?? event.key;
  if (named.length > 1) return named;
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (letter && (event.altKey || !/^[ -~]$/.test(named))) return letter.toLowerCase();
  return named.toLowerCase();
}

export function same(one: Stroke, other: Stroke): boolean {
  return one.key === other.key && one.mod === other.mod && one.alt === other.alt && one.shift === other.shift;
}

/** What is printed on a control: `["Ctrl", "⏎"]`; the strokes of a sequence one after another. */
export function printed(written: string): string[] {
  return sequenceOf(written).flatMap(({ key, mod, alt, shift }) => [
    ...(mod ? [isMac ? "⌘" : "Ctrl"] : []),
    ...(alt ? [isMac ? "⌥" : "Alt"] : []),
    ...(shift ? ["⇧"] : []),
    PRINTED[key] ?? (key.length === 1 ? key.toUpperCase() : key),
  ]);
}

const PRINTED: Readonly<Record<string, string>> = {
  Enter: "⏎",
  Escape: "Esc",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
};

/** The same for assistive technology: the value of `aria-keyshortcuts`. */
export function spoken(written: string): string {
  return sequenceOf(written)
    .map(({ key, mod, alt, shift }) =>
      [mod ? (isMac ? "Meta" : "Control") : "", alt ? "Alt" : "", shift ? "Shift" : "", key].filter(Boolean).join("+"),
    )
    .join(" ");
}
