/** The conversations that came with a child-safety job, each with its messages, the oldest first. */
import { textRole, roleOf, typeOf, type Context, type Item } from "./context";
import type { Ref } from "./report";
import { merged } from "./thread-rows";

export interface Thread {
  readonly thread: Ref;
  readonly name: string | null;
  readonly messages: readonly Item[];
}

/** What a report can quote: messages whose conversation is known. */
export function threadsOf(context: Context): Thread[] {
  const found = new Map<string, { thread: Ref; name: string | null; messages: Item[] }>();
  const { additionalItems, thread, earlierItems } = context;
  for (const item of merged(thread.items, additionalItems, earlierItems)) {
    const of = threadOf(context, item);
    if (!of) continue;
    const key = JSON.stringify([of.typeId, of.id]);
    const before = found.get(key) ?? { thread: of, name: nameOf(context, of), messages: [] };
    before.messages.push(item);
    found.set(key, before);
  }
  const at = (item: Item) => item.saidAt ?? item.submittedAt ?? "";
  return [...found.values()].map((one) => ({ ...one, messages: one.messages.toSorted((a, b) => at(a).localeCompare(at(b))) }));
}

function threadOf(context: Context, item: Item): Ref | null {
  const value = roleOf(item, typeOf(context.types, item), "threadId");
  if (typeof value !== "object" || value === null) return null;
  const { id, typeId } = value as { id?: unknown; typeId?: unknown };
  return typeof id === "string" && typeof typeId === "string" ? { id, typeId } : null;
}

function nameOf(context: Context, thread: Ref): string | null {
  const item = context.additionalItems.find((one) => one.id === thread.id && one.typeId === thread.typeId);
  return item ? textRole(item, typeOf(context.types, item), "displayName") : null;
}
