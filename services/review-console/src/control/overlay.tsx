/**
 * Around what lies over a page and is loaded when it is asked for: a dialog, the palette.
 *
 * Guarantees: one that cannot be loaded is said, and takes nothing with it.
 */
import { Suspense, type ReactNode } from "react";

import { useWords } from "@/words/words";

import { Pane } from "./state";
import { toast } from "./toast";
import { words } from "./words";

/** `children`: null while it is closed. */
export function Overlay({ close, children }: { close: () => void; children: ReactNode }) {
  const say = useWords(words);
  const broke = () => {
    toast(say("missingPart"));
    close();
  };
  return (
    // Opened again, it is tried again.
    <Pane key={children === null ? "closed" : "open"} instead={null} broke={broke}>
      <Suspense>{children}</Suspense>
    </Pane>
  );
}
