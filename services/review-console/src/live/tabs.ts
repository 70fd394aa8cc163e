/**
 * What the tabs of one browser tell each other.
 *
 * Guarantees: a message reaches every other tab of this origin, or nobody where there is no
 * `BroadcastChannel`; the sender does not hear itself.
 */
export type Message =
  | { kind: "preference" }
  | { kind: "signed-out" }
  | { kind: "signed-in"; csrfToken: string }
  | { kind: "used" }
  | { kind: "live"; event: string; data: string }
  | { kind: "live-state"; connected: boolean }
  | { kind: "live-wanted" }
  /** What I hold changed: it was claimed, prolonged or given back. */
  | { kind: "claims" }
  /** A job was decided, taken back or given up: what is known of it is old. */
  | { kind: "job-changed"; jobId: string }
  /** A tab opened this job; one that has it open already answers. */
  | { kind: "job-open"; jobId: string }
  | { kind: "job-open-too"; jobId: string }
  | { kind: "job-left"; jobId: string };

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
