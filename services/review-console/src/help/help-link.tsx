/** A link to the chapter about a page, for where nothing is there yet. */
import { Link } from "@tanstack/react-router";

import { useWords } from "@/words/words";

import { placeOf } from "./chapters";
import { words } from "./words";

/** `at`: the page's address. */
export function HelpLink({ at }: { at: string }) {
  const say = useWords(words);
  const place = placeOf(at);
  if (!place) return null;
  return (
    <Link to="/help/$chapter" params={{ chapter: place.chapter }} hash={place.anchor}>
      {say("how")}
    </Link>
  );
}
