// What Coop sends, taken: verified, read, done once, answered.
//
//     request ─▶ signatures ─▶ what it is ─▶ told already? ─▶ the platform's own function ─▶ 200
//                 401, 413       400           200, 503         500 or `Later`: Coop tries again
//
// Guarantees: no function of the platform's sees what was not verified, a trial, or a webhook that
// was done; 200 is said after the function ended, so that what failed comes again; an answer to a
// question names nothing that was not asked for.
// Must not: say to Coop why a function failed; `onFault` hears that.

import { MemorySeen, type Seen } from "./seen.js";
import { Refused, type Headers, type Verified, type Verifier } from "./signature.js";
import type {
  ActionWebhook,
  AppealWebhook,
  IgnoredWebhook,
  InfoAnswer,
  InfoQuestion,
  Item,
  ItemRef,
  PreservationWebhook,
} from "./types.js";
import { Unreadable, readWebhook, type Webhook } from "./webhook.js";

const BUSY_SECONDS = 5;

/**
 * How a webhook came. `id` is the same on every attempt, and the `id` of the action in `Coop.item`;
 * null for one of Coop itself (`unstamped` of the verifier).
 */
export interface Delivery {
  readonly id: string | null;
  readonly sentAt: Date | null;
}

/** What to answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type May<Result> = Promise<Result> | Result;
type Told<Body> = (body: Body, delivery: Delivery) => May<void>;

/**
 * The platform's own. Those for what is told act; they may see one twice, if the process dies
 * between the deed and its record: a `Seen` in the same transaction ends that. Those for questions
 * give what is known: `items` in any order, without those that are no more; `additionalInfo` each
 * user and medium. What has no function is answered with 501.
 */
export interface Functions {
  readonly onAction?: Told<ActionWebhook>;
  readonly onAppeal?: Told<AppealWebhook>;
  readonly onIgnored?: Told<IgnoredWebhook>;
  readonly onPreservation?: Told<PreservationWebhook>;
  readonly items?: (asked: readonly ItemRef[]) => May<readonly Item[]>;
  readonly additionalInfo?: (asked: InfoQuestion) => May<InfoAnswer>;
  /** Why something was refused or failed, for the platform's log. */
  readonly onFault?: (fault: unknown, delivery: Delivery | null) => void;
}

/**
 * Thrown by a function of the platform: not now, try again, in so many seconds at the soonest. Coop
 * keeps its own schedule too, and follows whichever is later.
 */
export class Later extends Error {
  constructor(readonly seconds = 60) {
    super(`not before ${seconds} s`);
  }
}

/** Takes what Coop sends to any of the platform's addresses. */
export class Receiver {
  readonly #verifier: Verifier;
  readonly #functions: Functions;
  readonly #seen: Seen;

  constructor(verifier: Verifier, functions: Functions, seen: Seen = new MemorySeen()) {
    this.#verifier = verifier;
    this.#functions = functions;
    this.#seen = seen;
  }

  /**
   * The answer to a POST. `body` as it came: read again and written anew it verifies no more.
   * Never rejects for what Coop, a stranger or a function of the platform's does.
   */
  async receive(headers: Headers, body: Uint8Array): Promise<Answer> {
    let delivery: Delivery | null = null;
    try {
      const verified = this.#verifier.verify(headers, body);
      delivery = { id: verified.id, sentAt: verified.sentAt };
      return await this.#handOn(readWebhook(body), delivery, verified);
    } catch (fault) {
      if (fault instanceof Later) return again(fault.seconds);
      this.#functions.onFault?.(fault, delivery);
      if (fault instanceof Refused) return said(fault.status, { error: fault.reason });
      if (fault instanceof Unreadable) return said(400, { error: fault.message });
      return said(500, { error: "not done" });
    }
  }

  async #handOn(webhook: Webhook, delivery: Delivery, verified: Verified): Promise<Answer> {
    const { items, additionalInfo } = this.#functions;
    if (webhook.kind === "items" && items) {
      const asked = webhook.body.items.map(referenceOf);
      return said(200, { items: only(await items(asked), asked) });
    }
    if (webhook.kind === "additional-info" && additionalInfo) {
      const users = webhook.body.users.map(referenceOf);
      const media = webhook.body.media.map(referenceOf);
      const told = await additionalInfo({ users, media });
      return said(200, { ...told, users: only(told.users, users), media: only(told.media ?? [], media) });
    }
    if (webhook.kind === "action" && webhook.body.trial === true) return said(200, { trial: true });
    const deed = this.#deed(webhook, delivery);
    if (deed === undefined) return said(501, { error: `nobody is here for ${webhook.kind}` });
    return this.#once(deed, verified.id);
  }

  #deed(webhook: Webhook, delivery: Delivery): (() => May<void>) | undefined {
    const { onAction, onAppeal, onIgnored, onPreservation } = this.#functions;
    switch (webhook.kind) {
      case "action":
        return onAction && (() => onAction(webhook.body, delivery));
      case "appeal":
        return onAppeal && (() => onAppeal(webhook.body, delivery));
      case "ignored":
        return onIgnored && (() => onIgnored(webhook.body, delivery));
      case "preservation":
        return onPreservation && (() => onPreservation(webhook.body, delivery));
      default:
        return undefined;
    }
  }

  async #once(deed: () => May<void>, id: string | null): Promise<Answer> {
    if (id === null) {
      await deed();
      return said(200, { repeated: false });
    }
    const claim = await this.#seen.claim(id);
    if (claim === "DONE") return said(200, { repeated: true });
    if (claim === "BUSY") return again(BUSY_SECONDS);
    try {
      await deed();
    } catch (fault) {
      await this.#seen.release(id);
      throw fault;
    }
    await this.#seen.done(id);
    return said(200, { repeated: false });
  }
}

function referenceOf({ id, typeId }: ItemRef): ItemRef {
  return { id, typeId };
}

type Named = Pick<Item, "id" | "typeId" | "type">;

function only<One extends Named>(found: readonly One[], asked: readonly ItemRef[]): One[] {
  const wanted = new Set(asked.map(({ typeId, id }) => JSON.stringify([typeId, id])));
  return found.filter((one) => wanted.has(JSON.stringify([one.typeId ?? one.type?.id, one.id])));
}

function again(seconds: number): Answer {
  const { status, headers, body } = said(503, { error: "not now" });
  return { status, headers: { ...headers, "retry-after": String(seconds) }, body };
}

function said(status: number, body: unknown): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
