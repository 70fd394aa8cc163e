/**
 * What changes while a page is open: one event stream for all tabs of a browser.
 *
 *     tab A  holds the lock ──▶ EventSource /v1/events ──▶ tells all tabs
 *     tab B  waits for the lock; it becomes the one that listens when A is closed
 *
 * The lock is the browser's (`navigator.locks`), so that it is never held by a tab that is gone, and
 * a browser keeps awake who holds one. The server allows eight streams a person, and a browser six
 * connections a host over HTTP/1.1: hence one.
 *
 * Guarantees: each event is whole (nothing is to be caught up with); a tab that opens later gets what
 * was told last at once; without locks every tab listens for itself; a stream that broke or was refused is
 * asked for again, less and less often.
 */
import { useSyncExternalStore } from "react";
import { z } from "zod/mini";

import { retryDelay } from "@/api/query";

import { onTold, tell } from "./tabs";

const Queues = z.object({
  items: z.array(
    z.object({
      queueId: z.string(),
      pending: z.number(),
      leased: z.number(),
      overdue: z.number(),
      oldestCreatedAt: z.nullable(z.string()),
      nextDeadline: z.optional(z.nullable(z.string())),
    }),
  ),
});
const Jobs = z.object({ items: z.array(z.object({ jobId: z.string(), revision: z.number(), reportCount: z.number() })) });
const Notifications = z.object({ unread: z.number() });
const Person = z.object({ id: z.string(), name: z.string(), initials: z.string(), active: z.boolean() });
const Presence = z.object({ items: z.array(z.object({ jobId: z.string(), people: z.array(Person) })) });
const Build = z.object({ id: z.string() });

/** The events by name. What else the server sends reaches `onLive` as it is. */
const EVENTS = { queues: Queues, jobs: Jobs, notifications: Notifications, presence: Presence, build: Build } as const;
type Events = typeof EVENTS;
type Name = keyof Events;
export type LiveData<N extends Name> = z.infer<Events[N]>;

const last = new Map<string, unknown>();
const raw = new Map<string, string>();
const listeners = new Set<() => void>();
const followers = new Set<(name: string, data: unknown) => void>();
let connected: boolean | null = null;
let stop: (() => void) | null = null;

/** Names the server may send beside those known by shape: a cache may be emptied for them. */
const OTHERS = ["config", "comments", "tasks", "session"];

function receive(event: string, data: string): void {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return;
  }
  const shape = EVENTS[event as Name] as z.ZodMiniType | undefined;
  const parsed = shape ? shape.safeParse(value) : { success: true as const, data: value };
  if (!parsed.success) return;
  raw.set(event, data);
  last.set(event, parsed.data);
  for (const follower of followers) follower(event, parsed.data);
  for (const listener of listeners) listener();
}

function setConnected(is: boolean): void {
  connected = is;
  for (const listener of listeners) listener();
}

/** Once somebody is signed in; returns how to end it. */
export function startLive(): () => void {
  stop?.();
  const abort = new AbortController();
  const offTold = onTold((message) => {
    if (message.kind === "live") receive(message.event, message.data);
    if (message.kind === "live-state") setConnected(message.connected);
  });
  if (typeof navigator.locks === "undefined") listen(abort.signal);
  else {
    tell({ kind: "live-wanted" });
    void navigator.locks
      .request("coop.console.live", { signal: abort.signal }, () => listen(abort.signal))
      .catch(() => undefined);
  }
  stop = () => {
    abort.abort();
    offTold();
    last.clear();
    raw.clear();
    connected = null;
  };
  return stop;
}

/** Listens until the signal; tells the other tabs. */
function listen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource;
    let failures = 0;
    let again: ReturnType<typeof setTimeout> | undefined;
    const state = (is: boolean) => {
      setConnected(is);
      tell({ kind: "live-state", connected: is });
    };
    const connect = () => {
      source = new EventSource("/v1/events");
      source.onopen = () => {
        failures = 0;
        state(true);
      };
      source.onerror = () => {
        state(false);
        // The browser connects again by itself, but gives up for good where it was answered with a refusal.
        if (source.readyState === EventSource.CLOSED && !signal.aborted) again = setTimeout(connect, retryDelay(failures++, null));
      };
      for (const name of [...Object.keys(EVENTS), ...OTHERS]) {
        source.addEventListener(name, (event: MessageEvent<string>) => {
          receive(name, event.data);
          tell({ kind: "live", event: name, data: event.data });
        });
      }
    };
    connect();
    const offTold = onTold((message) => {
      if (message.kind !== "live-wanted") return;
      for (const [event, data] of raw) tell({ kind: "live", event, data });
      tell({ kind: "live-state", connected: source.readyState === EventSource.OPEN });
    });
    signal.addEventListener("abort", () => {
      clearTimeout(again);
      source.close();
      offTold();
      resolve();
    });
  });
}

/** What was told last of this; undefined before. */
export function useLive<N extends Name>(name: N): LiveData<N> | undefined {
  const read = () => last.get(name) as LiveData<N> | undefined;
  return useSyncExternalStore(subscribe, read, read);
}

/** False while the stream is broken; null before it was ever there. */
export function useConnected(): boolean | null {
  return useSyncExternalStore(subscribe, () => connected, () => connected);
}

/** Be told of each event, whatever its name. */
export function onLive(follower: (name: string, data: unknown) => void): () => void {
  followers.add(follower);
  return () => followers.delete(follower);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
