/**
 * A toast: what was done, and how to take it back. Never a fault: those stand where they hit.
 *
 * Guarantees: one place (lower start of the content); time stands still while it has the focus or the
 * pointer is on it; `Z` takes the newest back.
 */
import { Button } from "@mantine/core";
import { useEffect, useState, useSyncExternalStore } from "react";

import { Keys, useCommand } from "@/key/keys";

import classes from "./toast.module.css";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly seconds: number;
  readonly undo?: { readonly label: string; readonly run: () => void };
}

let next = 1;
let shown: readonly Toast[] = [];
const listeners = new Set<() => void>();

export function toast(text: string, options: { undo?: Toast["undo"]; seconds?: number } = {}): () => void {
  const one: Toast = { id: next++, text, seconds: options.seconds ?? (options.undo ? 10 : 5), undo: options.undo };
  shown = [...shown.slice(-2), one];
  announce();
  return () => dismiss(one.id);
}

function dismiss(id: number): void {
  shown = shown.filter((one) => one.id !== id);
  announce();
}

function announce(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const all = useSyncExternalStore(subscribe, () => shown, () => shown);
  return (
    <div className={classes.place} role="status" aria-live="polite">
      {all.map((one) => (
        <ToastView key={one.id} one={one} />
      ))}
    </div>
  );
}

function ToastView({ one }: { one: Toast }) {
  const [left, setLeft] = useState(one.seconds);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setInterval(() => setLeft((seconds) => seconds - 1), 1000);
    return () => clearInterval(timer);
  }, [held]);
  useEffect(() => {
    if (left <= 0) dismiss(one.id);
  }, [left, one.id]);
  return (
    // What is under the pointer or has the focus is not taken away.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="group"
      aria-label={one.text}
      className={classes.toast}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span>{one.text}</span>
      {one.undo ? <Undo undo={one.undo} left={left} done={() => dismiss(one.id)} /> : null}
    </div>
  );
}

function Undo({ undo, left, done }: { undo: NonNullable<Toast["undo"]>; left: number; done: () => void }) {
  const run = () => {
    done();
    undo.run();
  };
  useCommand({ id: "toast.undo", scope: "global", keys: "Z", label: undo.label, run });
  return (
    <Button size="xs" onClick={run} rightSection={<Keys of="toast.undo" fallback="Z" />}>
      {`${undo.label} ${left}`}
    </Button>
  );
}
