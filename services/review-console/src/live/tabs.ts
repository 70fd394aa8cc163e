/**
 * What the tabs of one browser tell each other.
 *
 * Guarantees: a message reaches every other tab of this origin, or nobody where there is no
 * `BroadcastChannel`; the sender does not hear itself.
 */
export type Message =
  | { kind: "preference" }
  | { kind: "signed-out" }
  | { kind: "signed-in" }
  | { kind: "live"; event: string; data: string }
  | { kind: "live-state"; connected: boolean }
  | { kind: "live-wanted" };

const listeners = new Set<(message: Message) => void>();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("coop.console");
if (channel) {
  channel.onmessage = (event: MessageEvent<Message>) => {
    for (const listener of listeners) listener(event.data);
  };
}

export function tell(message: Message): void {
  channel?.postMessage(message);
}

export function onTold(listener: (message: Message) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
