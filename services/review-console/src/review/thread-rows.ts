/** The rows of a conversation: day lines and messages, and which of them belong together. */
import { typeOf, type Item, type ItemType } from "./context";

export interface Row {
  readonly key: string;
  /** Null: a line for a new day. */
  readonly message: Item | null;
  readonly day: string | null;
  /** Of an author's messages that follow each other. */
  readonly isFirst: boolean;
}

export function keyOf(item: Pick<Item, "id" | "typeId">): string {
  return `${item.typeId} ${item.id}`;
}

function timeOf(item: Item): string {
  return item.saidAt ?? item.submittedAt ?? "";
}

/** Each message once, oldest first, as the server put them. */
export function merged(...parts: readonly (readonly Item[])[]): Item[] {
  const found = new Map<string, Item>();
  for (const part of parts) for (const item of part) found.set(keyOf(item), found.get(keyOf(item)) ?? item);
  return [...found.values()];
}

export function rowsOf(messages: readonly Item[]): Row[] {
  const rows: Row[] = [];
  let day = "";
  let author = "";
  for (const message of messages) {
    const at = timeOf(message);
    const its = at === "" ? day : new Date(at).toDateString();
    const who = message.creator?.id ?? "";
    if (its !== day) {
      rows.push({ key: `day ${its}`, message: null, day: at, isFirst: false });
      author = "";
    }
    rows.push({ key: keyOf(message), message, day: null, isFirst: who !== author });
    day = its;
    author = who;
  }
  return rows;
}

/** The messages of the same author around this one, without another between. */
export function runOf(messages: readonly Item[], key: string): string[] {
  const at = messages.findIndex((one) => keyOf(one) === key);
  const author = messages[at]?.creator?.id;
  if (at < 0) return [];
  let from = at;
  let to = at;
  while (from > 0 && messages[from - 1]?.creator?.id === author) from -= 1;
  while (to < messages.length - 1 && messages[to + 1]?.creator?.id === author) to += 1;
  return messages.slice(from, to + 1).map(keyOf);
}

/** Its words: the first text that it has. */
export function textOf(item: Item, types: readonly ItemType[]): string {
  const type = typeOf(types, item);
  const field = type?.fields.find((one) => one.type === "STRING" && typeof item.data[one.name] === "string" && item.data[one.name] !== "");
  return field ? String(item.data[field.name]) : "";
}
