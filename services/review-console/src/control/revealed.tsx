/**
 * Text of people with what hides in it, shown when asked for: what turns the direction of what follows,
 * what has no width, what looks like a space. Nothing of it is changed until then, nor what is copied.
 */
import { Fragment, useState, type ReactNode } from "react";

import { useWords } from "@/words/words";

import classes from "./control.module.css";
import { words } from "./words";

// Unicode 16, 23.2 (format characters, tags, variation selectors apart) and 6.2 (spaces but U+0020).
// The zero-width joiner within an emoji, and between letters of Arabic or an Indic script, hides nothing.
const HIDDEN = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\u00a0\u2000-\u200a\u202f\u205f\u3000]|[\u{e0001}\u{e0020}-\u{e007f}]|(?<![\p{Emoji}\ufe0f\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Sinhala}\p{Script=Malayalam}])[\u200c\u200d]/gu;

export function hiddenIn(text: string): number {
  return [...text.matchAll(HIDDEN)].length;
}

/** `U+202E` of a character. */
function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The text with the code of whatever hides in it in its place. */
export function markedText(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const match of text.matchAll(HIDDEN)) {
    parts.push(<Fragment key={`t${at}`}>{text.slice(at, match.index)}</Fragment>, <mark key={`m${match.index}`} className={classes.mark}>{codeOf(match[0])}</mark>);
    at = match.index + match[0].length;
  }
  return [...parts, <Fragment key="end">{text.slice(at)}</Fragment>];
}

export function Revealed({ text, className, lang }: { text: string; className?: string; lang?: string }) {
  const say = useWords(words);
  const [isShown, show] = useState(false);
  const count = hiddenIn(text);
  if (count === 0) return <p className={className} lang={lang} dir="auto">{text}</p>;
  return (
    <>
      {/* Once they are shown they turn nothing any more. */}
      <p className={className} lang={lang} dir="auto">{isShown ? markedText(text) : text}</p>
      <button type="button" className={classes.hiddenbutton} aria-pressed={isShown} onClick={() => show(!isShown)}>
        {say("hiddenCharacters", { count })}
      </button>
    </>
  );
}
