/**
 * The messages of a conversation, oldest first, around what was reported.
 *
 * Guarantees: only the rows in sight are in the document; it opens at the reported message and loads
 * both ways by scrolling, without a jump; ticks are by message and stay while it loads.
 */
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { Problem } from "@/control/state";
import { useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import { isReported, type Context } from "./context";
import classes from "./job.module.css";
import { Message } from "./message";
import { SelectionBar } from "./selection-bar";
import { ThreadHead } from "./thread-head";
import { keyOf, rowsOf, runOf, textOf } from "./thread-rows";
import type { Editing } from "./use-entered";
import { useThread, type ThreadParts } from "./use-thread";
import { words } from "./words";

const NEAR = 8;
const ROW = 26;
const SETTLED_MS = 150;
/** The browser's own keys, which scroll and leave the cursor where it is. */
const SCROLLING: ReadonlySet<string> = new Set(["PageUp", "PageDown", "Home", "End", " "]);

export function Thread({ context, editing }: { context: Context; editing: Editing }) {
  const say = useWords(words);
  const thread = useThread(context);
  const { messages, types } = thread;
  const rows = useMemo(() => rowsOf(messages), [messages]);
  const keys = useMemo(() => rows.map((row) => row.key), [rows]);
  const reported = useMemo(() => messages.filter((one) => isReported(context, one)).map(keyOf), [messages, context]);
  const [cursor, setCursor] = useState(() => reported[0] ?? keyOf(context.item));
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [query, setQuery] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const find = useRef<HTMLInputElement>(null);
  const [inside, setInside] = useState(true);
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => list.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: NEAR,
    initialRect: { width: 600, height: 600 },
  });
  const indexOf = (key: string) => rows.findIndex((row) => row.message && keyOf(row.message) === key);
  const show = (key: string, align: "center" | "auto" = "auto") => {
    const index = indexOf(key);
    if (index >= 0) virtual.scrollToIndex(index, { align });
  };

  const start = reported[0] ?? keyOf(context.item);
  const { opened, isTouched, touch } = useOpening(() => {
    const offset = virtual.getOffsetForIndex(Math.max(0, indexOf(start)), "start")?.[0];
    if (offset !== undefined) virtual.scrollToOffset(Math.max(0, offset - (list.current?.clientHeight ?? 0) / 3));
  }, rows.length, virtual.getTotalSize());
  useAnchor(keys, virtual, isTouched);
  const { follow, leave } = useFollowing(keys, () => show(cursor));
  const seen = virtual.getVirtualItems();
  const first = seen[0]?.index ?? 0;
  const last = seen.at(-1)?.index ?? 0;
  useFurther(thread, opened ? first : Infinity, opened ? rows.length - last : Infinity);

  const at = messages.findIndex((one) => keyOf(one) === cursor);
  const move = (by: number, range = false) => {
    const next = messages[Math.min(messages.length - 1, Math.max(0, at + by))];
    if (!next) return;
    if (range) setSelected((old) => new Set([...old, cursor, keyOf(next)]));
    touch();
    follow();
    setCursor(keyOf(next));
    show(keyOf(next));
  };
  const tick = (key: string, range = false) => {
    setSelected((old) => {
      const next = new Set(old);
      if (range) {
        const [from, to] = [messages.findIndex((one) => keyOf(one) === cursor), messages.findIndex((one) => keyOf(one) === key)].toSorted((a, b) => a - b);
        for (const one of messages.slice(from, (to ?? 0) + 1)) next.add(keyOf(one));
      } else if (next.has(key)) next.delete(key);
      else next.add(key);
      return next;
    });
    setCursor(key);
  };
  const hits = useMemo(() => (query.trim() ? messages.filter((one) => textOf(one, types).toLocaleLowerCase().includes(query.trim().toLocaleLowerCase())).map(keyOf) : []), [messages, types, query]);
  const step = (keys: readonly string[], by: number) => {
    if (keys.length === 0) return;
    const next = keys[(keys.indexOf(cursor) + by + keys.length) % keys.length] ?? keys[0];
    if (next === undefined) return;
    touch();
    follow();
    setCursor(next);
    show(next, "center");
  };
  const clear = () => setSelected(new Set());
  const scrolled = () => {
    touch();
    leave();
  };
  useThreadKeys({ inside, some: selected.size > 0, move, tick: () => tick(cursor), run: () => setSelected((old) => new Set([...old, ...runOf(messages, cursor)])), find: () => find.current?.focus(), clear });
  const chosen = messages.filter((one) => selected.has(keyOf(one)));
  return (
    <>
      <ThreadHead count={messages.length} query={query} setQuery={setQuery} find={find} hits={hits} reported={reported} cursor={cursor} step={step} leave={() => list.current?.focus()} />
      {thread.error ? <Problem error={thread.error} again={thread.again} /> : null}
      {/* The list has the focus; its rows are walked by keys. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions */}
      <div ref={list} id="job-thread" className={classes.msgs} role="group" aria-label={say("threadOf")} tabIndex={0} onFocus={() => setInside(true)} onBlur={(event) => setInside(event.currentTarget.contains(event.relatedTarget))} onWheel={scrolled} onPointerDown={scrolled} onKeyDown={(event) => (SCROLLING.has(event.key) ? scrolled() : touch())}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {seen.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <Message
                key={row.key}
                ref={virtual.measureElement}
                index={item.index}
                start={item.start}
                row={row}
                types={types}
                query={query.trim()}
                isReported={row.message !== null && isReported(context, row.message)}
                isSelected={row.message !== null && selected.has(keyOf(row.message))}
                isCursor={row.message !== null && keyOf(row.message) === cursor}
                tick={tick}
              />
            );
          })}
        </div>
      </div>
      {chosen.length > 0 ? <SelectionBar context={context} chosen={chosen} editing={editing} clear={clear} /> : null}
    </>
  );
}

/** Near an end, what lies beyond it; not while what came in is still being put above what is seen. */
function useFurther({ before, after, messages }: ThreadParts, toFirst: number, toLast: number): void {
  const placed = useRef(0);
  useEffect(() => {
    if (placed.current !== messages.length) {
      placed.current = messages.length;
      return;
    }
    if (toFirst < NEAR && before.can) before.load();
    if (toLast < NEAR && after.can) after.load();
  }, [toFirst, toLast, before, after, messages.length]);
}

interface Acts {
  readonly inside: boolean;
  readonly some: boolean;
  readonly move: (by: number, range?: boolean) => void;
  readonly tick: () => void;
  readonly run: () => void;
  readonly find: () => void;
  readonly clear: () => void;
}

function useThreadKeys(acts: Acts): void {
  const say = useWords(words);
  useCommand({ id: "thread.next", scope: "thread", keys: ["J", "ArrowDown"], repeats: true, label: say("threadNext"), enabled: acts.inside, run: () => acts.move(1) });
  useCommand({ id: "thread.previous", scope: "thread", keys: ["K", "ArrowUp"], repeats: true, label: say("threadPrevious"), enabled: acts.inside, run: () => acts.move(-1) });
  useCommand({ id: "thread.tick", scope: "thread", keys: "X", label: say("threadTick"), enabled: acts.inside, run: () => acts.tick() });
  useCommand({ id: "thread.rangeDown", scope: "thread", keys: "Shift+J", repeats: true, label: say("threadRange"), enabled: acts.inside, run: () => acts.move(1, true) });
  useCommand({ id: "thread.rangeUp", scope: "thread", keys: "Shift+K", repeats: true, label: say("threadRange"), enabled: acts.inside, run: () => acts.move(-1, true) });
  useCommand({ id: "thread.run", scope: "thread", keys: "A", label: say("threadRun"), enabled: acts.inside, run: () => acts.run() });
  useCommand({ id: "thread.find", scope: "thread", keys: "/", label: say("threadFind"), run: () => acts.find() });
  useCommand({ id: "thread.clear", scope: "thread", keys: "Escape", label: say("threadClear"), enabled: acts.some, run: () => acts.clear() });
}

/**
 * Opens at its place, and again while what is around it comes in and its rows are measured, however late,
 * until somebody moves it.
 */
function useOpening(open: () => void, count: number, height: number): { opened: boolean; isTouched: boolean; touch: () => void } {
  const [opened, setOpened] = useState(false);
  const [isTouched, setTouched] = useState(false);
  const run = useRef(open);
  useLayoutEffect(() => {
    run.current = open;
  });
  // Before it is painted: what was read does not jump away and back.
  useLayoutEffect(() => {
    if (count === 0 || isTouched) return undefined;
    run.current();
    // Rows are measured meanwhile.
    const again = requestAnimationFrame(() => run.current());
    const timer = setTimeout(() => {
      run.current();
      setOpened(true);
    }, SETTLED_MS);
    return () => {
      cancelAnimationFrame(again);
      clearTimeout(timer);
    };
  }, [count, height, isTouched]);
  return { opened: opened || isTouched, isTouched, touch: () => setTouched(true) };
}

/** What comes before is put above what is looked at, which does not move. */
function useAnchor(keys: readonly string[], virtual: Virtualizer<HTMLDivElement, Element>, isOn: boolean): void {
  const before = useRef<{ key: string | undefined; count: number }>({ key: undefined, count: 0 });
  useLayoutEffect(() => {
    const { key, count } = before.current;
    const index = key === undefined ? 0 : keys.indexOf(key);
    if (isOn && index > 1 && keys.length > count) {
      const added = (virtual.getOffsetForIndex(index, "start")?.[0] ?? index * ROW) - ROW;
      virtual.scrollToOffset((virtual.scrollOffset ?? 0) + added);
    }
    before.current = { key: keys[1], count: keys.length };
  }, [keys, virtual, isOn]);
}

/** Who walks by keys keeps the cursor in sight, whatever comes in meanwhile; who scrolls has left it. */
function useFollowing(keys: readonly string[], show: () => void): { follow: () => void; leave: () => void } {
  const isOn = useRef(false);
  const run = useRef(show);
  useLayoutEffect(() => {
    run.current = show;
  });
  // After the anchor: it keeps what is seen where it is, and a cursor just beyond it stays beyond.
  useLayoutEffect(() => {
    if (isOn.current) run.current();
  }, [keys]);
  return { follow: () => (isOn.current = true), leave: () => (isOn.current = false) };
}
