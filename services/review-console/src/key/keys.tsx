/**
 * The registry in components: `useCommand` while a component is there, `<Keys>` printed on its control.
 */
import { useEffect, useRef, useSyncExternalStore } from "react";

import { keys, type Command } from "./registry";
import { printed } from "./stroke";
import classes from "./keys.module.css";

/** Listens on the window, once. */
export function useKeyboard(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isItsOwn(event)) return;
      const around = {
        typing: isField(event.target),
        composing: event.isComposing || event.keyCode === 229,
        dialog: isOver(event.target),
      };
      if (keys.press(event, around, event.timeStamp)) event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

const OVER = 'dialog[open], [role="dialog"], [role="menu"], [role="alertdialog"]';

/** Whether something lies over the page: a dialog, a menu, or what a press is within of such. */
function isOver(target: EventTarget | null): boolean {
  if (target instanceof Element && target.closest(OVER) !== null) return true;
  return document.querySelector('dialog[open], [role="dialog"][aria-modal="true"], [role="menu"]') !== null;
}

/** Space and Enter on a control are its own: pressing it. */
function isItsOwn(event: KeyboardEvent): boolean {
  const isPress = (event.key === " " || event.key === "Enter") && !event.ctrlKey && !event.metaKey && !event.altKey;
  return isPress && event.target instanceof HTMLElement && event.target.closest("button, a[href], summary") !== null;
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !["button", "checkbox", "radio", "submit", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.role === "combobox";
}

/** A command, for as long as the component is there. `run` may be a new function each time. */
export function useCommand(command: Command): void {
  const run = useRef(command.run);
  useEffect(() => {
    run.current = command.run;
  });
  const { id, scope, label, anywhere, always, repeats, enabled } = command;
  const written = typeof command.keys === "string" ? command.keys : command.keys.join("\n");
  useEffect(
    () => keys.add({ id, scope, label, anywhere, always, repeats, enabled, keys: written.split("\n"), run: (event) => run.current(event) }),
    [id, scope, label, anywhere, always, repeats, enabled, written],
  );
}

/** All commands there are now, for the sheet of keys and the palette. */
export function useCommands(): readonly Command[] {
  return useSyncExternalStore(keys.subscribe, keys.commands, keys.commands);
}

/** The keys of a command as they are printed on its control; `of` is its id, `fallback` its keys. */
export function Keys({ of, fallback }: { of: string; fallback: string }) {
  useSyncExternalStore(keys.subscribe, keys.configuration, keys.configuration);
  const [first] = keys.keysOf({ id: of, keys: fallback });
  if (first === undefined || !keys.isOn && !/Mod|Alt|Escape/.test(first)) return null;
  return <Written keys={first} />;
}

export function Written({ keys: written }: { keys: string }) {
  return (
    <span className={classes.keys} aria-hidden="true">
      {printed(written).map((one, index) => (
        <kbd key={index}>{one}</kbd>
      ))}
    </span>
  );
}
