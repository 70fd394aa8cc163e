// Content, reports and appeals for Coop; what is known of an item.
//
// Guarantees: what is sent again is sent under the same Idempotency-Key, so that it counts once,
// however many attempts it took; an attempt after a refusal for now (429, 503, and 409 while the
// first is still running) waits as long as was asked for, or the whole is given up; all waits are
// bounded.
// Must not: follow redirects, which would carry the key elsewhere; put the key into an error.
//
//     CoopError ─┬─ Refusal       the request is wrong; trying again changes nothing
//                └─ Unavailable   not reached, or not now; `retryAfter` where Coop said it

import { randomUUID } from "node:crypto";
import type { ActionOrder, ApiError, Appeal, Item, ItemRecord, PolicyEntry, Report } from "./types.js";

/** Coop did not take it. */
export class CoopError extends Error {}

/** What was asked is wrong; `errors` say what, each with a JSON pointer where it has one. */
export class Refusal extends CoopError {
  constructor(
    readonly status: number,
    readonly errors: readonly ApiError[],
  ) {
    const told = errors.map((one) => `${one.pointer ?? ""} ${one.detail ?? one.title}`.trim());
    super(`${status}: ${told.join("; ")}`);
  }
}

/** Not now. `retryAfter` are the seconds that Coop asked to wait, where it did. */
export class Unavailable extends CoopError {
  constructor(
    reason: string,
    readonly retryAfter: number | null = null,
  ) {
    super(reason);
  }
}

/**
 * What was taken. `accepted` and `errors` are those of `partial`. `notices` are what Coop remarked,
 * by header (`x-coop-unknown-fields`); "..." stands for more.
 */
export interface Sent {
  readonly accepted: readonly string[] | null;
  readonly errors: readonly ApiError[];
  readonly notices: Readonly<Record<string, readonly string[]>>;
}

/** The platform's own key, where it may itself send the same again later. */
export interface Call {
  readonly idempotencyKey?: string;
}

export interface CoopOptions {
  /** Attempts at the most. */
  readonly tries?: number;
  /** Seconds between two attempts at the most; a longer wish of Coop's is told by `Unavailable`. */
  readonly mostWait?: number;
  /** Seconds for one attempt. */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
  readonly sleep?: (seconds: number) => Promise<void>;
  /** Between 0 and 1. */
  readonly random?: () => number;
}

const BASE = "/api/v1";
const AGAIN = new Set([429, 500, 502, 503, 504]);
const FIRST_WAIT = 0.5; // seconds; doubled with each attempt
const NOTICE = "x-coop-";

interface Reply {
  readonly headers: globalThis.Headers;
  readonly body: string;
}

/** Coop's API for one organisation. */
export class Coop {
  readonly #base: string;
  readonly #apiKey: string;
  readonly #tries: number;
  readonly #mostWait: number;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;
  readonly #sleep: (seconds: number) => Promise<void>;
  readonly #random: () => number;

  constructor(url: string, apiKey: string, options: CoopOptions = {}) {
    if (!/^https?:\/\/[^/]/.test(url)) {
      throw new RangeError("Coop's address begins with http:// or https:// and names a host");
    }
    this.#base = url.replace(/\/+$/, "") + BASE;
    this.#apiKey = apiKey;
    this.#tries = options.tries ?? 5;
    this.#mostWait = options.mostWait ?? 30;
    this.#timeout = options.timeout ?? 15;
    this.#fetch = options.fetch ?? fetch;
    this.#sleep = options.sleep ?? ((seconds) => new Promise((done) => setTimeout(done, seconds * 1000)));
    this.#random = options.random ?? Math.random;
  }

  /**
   * Kept, all of them or none; with `partial` those that are in order. Rejects with CoopError. A
   * thousand at a time at the most, each of 256 KB.
   */
  async sendItems(items: readonly Item[], call: Call & { readonly partial?: boolean } = {}): Promise<Sent> {
    const partial = call.partial ?? false;
    const reply = await this.#post(`/items/async/${partial ? "?partial=true" : ""}`, { items }, call);
    const notices = noticesOf(reply);
    if (!partial) return { accepted: null, errors: [], notices };
    const told = JSON.parse(reply.body) as { accepted: string[]; errors: ApiError[] };
    return { ...told, notices };
  }

  /** The report's id. Rejects with CoopError. */
  async report(report: Report, call: Call = {}): Promise<string> {
    const reply = await this.#post("/report", report, call);
    return (JSON.parse(reply.body) as { reportId: string }).reportId;
  }

  /** Kept; what comes of it is told to the appeal callback. Rejects with CoopError. */
  async appeal(appeal: Appeal, call: Call = {}): Promise<void> {
    await this.#post("/report/appeal", appeal, call);
  }

  /** Ask for an action on an item that Coop has; it comes as a webhook. Rejects with CoopError. */
  async act(order: ActionOrder, call: Call = {}): Promise<void> {
    await this.#post("/actions/", order, call);
  }

  /** The organisation's policies. Rejects with CoopError. */
  async policies(): Promise<PolicyEntry[]> {
    const reply = await this.#ask("GET", "/policies/");
    return (JSON.parse(reply.body) as { policies: PolicyEntry[] }).policies;
  }

  /** What is known of an item, null where nothing is. Rejects with CoopError. */
  async item(typeId: string, itemId: string): Promise<ItemRecord | null> {
    try {
      const reply = await this.#ask("GET", `/items/${encodeURIComponent(typeId)}/${encodeURIComponent(itemId)}`);
      return JSON.parse(reply.body) as ItemRecord;
    } catch (fault) {
      if (fault instanceof Refusal && fault.status === 404) return null;
      throw fault;
    }
  }

  #post(path: string, body: unknown, call: Call): Promise<Reply> {
    return this.#ask("POST", path, JSON.stringify(body), {
      "idempotency-key": call.idempotencyKey ?? randomUUID(),
    });
  }

  async #ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.#attempt(method, path, body, headers);
      if (!(reply instanceof Unavailable)) return reply;
      if (attempt >= this.#tries) throw reply;
      await this.#wait(reply, attempt);
    }
  }

  /** The answer, or why to try again. Rejects with Refusal. */
  async #attempt(
    method: string,
    path: string,
    body: string | undefined,
    headers: Record<string, string>,
  ): Promise<Reply | Unavailable> {
    let answer: Response;
    let told: string;
    try {
      answer = await this.#fetch(this.#base + path, {
        method,
        headers: { "x-api-key": this.#apiKey, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(this.#timeout * 1000),
      });
      told = await answer.text();
    } catch (fault) {
      const name = fault instanceof Error ? fault.name : "fault";
      return new Unavailable(`Coop cannot be reached: ${name}`);
    }
    if (answer.ok) return { headers: answer.headers, body: told };
    const wished = retryAfter(answer.headers.get("retry-after"));
    if (AGAIN.has(answer.status) || (answer.status === 409 && wished !== null)) {
      return new Unavailable(`Coop answered ${answer.status}`, wished);
    }
    throw new Refusal(answer.status, errorsOf(answer.status, told));
  }

  async #wait(failure: Unavailable, attempt: number): Promise<void> {
    let wait = (0.5 + 0.5 * this.#random()) * FIRST_WAIT * 2 ** (attempt - 1);
    if (failure.retryAfter !== null) {
      if (failure.retryAfter > this.#mostWait) throw failure;
      // Spread, so that all who were refused at once do not come back at once.
      wait = failure.retryAfter + FIRST_WAIT * this.#random();
    }
    await this.#sleep(Math.min(wait, this.#mostWait));
  }
}

function errorsOf(status: number, body: string): ApiError[] {
  try {
    const told = JSON.parse(body) as { errors: ApiError[] };
    return told.errors.filter((one) => typeof one.title === "string");
  } catch {
    return [{ status, type: [], title: `the answer is none of Coop's (${status})` }];
  }
}

function retryAfter(value: string | null): number | null {
  const text = value?.trim() ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  const until = text === "" ? NaN : Date.parse(text);
  return Number.isNaN(until) ? null : Math.max(0, (until - Date.now()) / 1000);
}

function noticesOf(reply: Reply): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [name, value] of reply.headers) {
    if (name.startsWith(NOTICE)) found[name] = value.split(",").map((one) => decodeURIComponent(one.trim()));
  }
  return found;
}
