/**
 * `?`: the sheet of keys.
 *
 * Guarantees: it is in the document before it is asked for, closed and empty, so that its key shows it
 * with nothing to be made first; its rows come in the frame after.
 */
import { CloseButton } from "@mantine/core";
import { useCallback, useImperativeHandle, useRef, useState, type PointerEvent, type Ref } from "react";

import { afterPaint } from "@/control/after-paint";
import { later } from "@/control/later";
import { Overlay } from "@/control/overlay";
import { words as controlWords } from "@/control/words";
import { useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import classes from "./key-sheet.module.css";
import { words } from "./words";

export const keyRows = later(() => import("./key-rows"));

export interface Sheet {
  readonly open: () => void;
}

export function KeySheet({ ref }: { ref: Ref<Sheet> }) {
  const say = useWords(words);
  const sayControl = useWords(controlWords);
  const dialog = useRef<HTMLDialogElement>(null);
  const [isFilled, setFilled] = useState(false);
  const open = useCallback(() => {
    if (dialog.current?.open !== false) return;
    dialog.current.showModal();
    void afterPaint().then(() => setFilled(dialog.current?.open === true));
  }, []);
  const close = useCallback(() => dialog.current?.close(), []);
  useImperativeHandle(ref, () => ({ open }), [open]);
  useCommand({ id: "shell.keys", scope: "global", keys: "?", label: say("showKeys"), run: open });
  const outside = (event: PointerEvent) => {
    if (event.target === dialog.current) close();
  };
  return (
    // What lies outside is the dialog itself to the pointer; the keyboard has Escape.
    <dialog ref={dialog} className={classes.sheet} aria-labelledby="key-sheet" onPointerDown={outside} onClose={() => setFilled(false)}>
      <div className={classes.inside}>
        <header className={classes.head}>
          <h2 id="key-sheet">{say("keys")}</h2>
          <CloseButton onClick={close} aria-label={sayControl("close")} />
        </header>
        <Overlay close={close}>{isFilled ? <keyRows.Part /> : null}</Overlay>
      </div>
    </dialog>
  );
}
