// What a verified body is, by its form: one address can take all that Coop sends.
//
// Guarantees: what a platform needs to act (ids, the decision) is there and is text; all else is as
// Coop sent it, fields of later versions too.
// Must not: see a body that was not verified.

import type {
  ActionWebhook,
  AppealWebhook,
  IgnoredWebhook,
  InfoQuestion,
  ItemsQuestion,
  PreservationWebhook,
} from "./types.js";

/** A body, and what it is. */
export type Webhook =
  | { kind: "action"; body: ActionWebhook }
  | { kind: "appeal"; body: AppealWebhook }
  | { kind: "ignored"; body: IgnoredWebhook }
  | { kind: "preservation"; body: PreservationWebhook }
  | { kind: "items"; body: ItemsQuestion }
  | { kind: "additional-info"; body: InfoQuestion };

/** The body is none that is known here; the message says why, without what was said. */
export class Unreadable extends Error {}

type Told = Readonly<Record<string, unknown>>;

/** What Coop said. Throws Unreadable. */
export function readWebhook(body: Uint8Array): Webhook {
  let told: unknown;
  try {
    told = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw new Unreadable("the body is no JSON");
  }
  if (!isObject(told)) throw new Unreadable("the body is no object");
  const kind = kindOf(told);
  CHECKS[kind](told);
  // What is relied on was looked at; the rest is as the description says.
  return { kind, body: told } as unknown as Webhook;
}

function kindOf(told: Told): Webhook["kind"] {
  if ("action" in told) return "action";
  if ("appealDecision" in told) return "appeal";
  if ("cybertipId" in told) return "preservation";
  if ("users" in told) return "additional-info";
  if ("items" in told) return "items";
  if ("typeId" in told) return "ignored";
  throw new Unreadable("the body is of no known kind");
}

const CHECKS: Record<Webhook["kind"], (told: Told) => void> = {
  action(told) {
    reference(told, "item");
    text(object(told, "action"), "id");
    object(told, "custom");
  },
  appeal(told) {
    text(told, "appealId");
    reference(told, "item");
    if (told.appealDecision !== "ACCEPT" && told.appealDecision !== "REJECT") {
      throw new Unreadable("appealDecision is neither ACCEPT nor REJECT");
    }
  },
  ignored(told) {
    text(told, "id");
    text(told, "typeId");
  },
  preservation(told) {
    text(told, "cybertipId");
    reference(told, "user");
  },
  items(told) {
    references(told, "items");
  },
  "additional-info"(told) {
    references(told, "users");
    references(told, "media");
  },
};

function isObject(value: unknown): value is Told {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(told: Told, name: string): Told {
  const found = told[name];
  if (!isObject(found)) throw new Unreadable(`${name} is no object`);
  return found;
}

function text(told: Told, name: string): void {
  const found = told[name];
  if (typeof found !== "string" || found === "") throw new Unreadable(`${name} is no text`);
}

function reference(told: Told, name: string): void {
  const found = object(told, name);
  text(found, "id");
  text(found, "typeId");
}

function references(told: Told, name: string): void {
  const found = told[name];
  if (!Array.isArray(found)) throw new Unreadable(`${name} is no list`);
  for (const one of found) reference({ [name]: one }, name);
}
