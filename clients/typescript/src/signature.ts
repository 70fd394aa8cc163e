// Whether a request is Coop's: both signatures, over the bytes as they came.
//
//     webhook-id, webhook-timestamp,   Standard Webhooks 1.0.0: HMAC-SHA256 over id, time and body,
//     webhook-signature                one signature for each secret while secrets are changed
//     Coop-Signature                   RSASSA-PKCS1-v1_5 with SHA-256 over the body, as Coop makes it
//
// Guarantees: what is given out was signed with a key of ours a short while ago, and its id with it;
// each header counts once, so that nobody in between reads another; only the algorithms above count,
// whatever a header says. A signature is compared in constant time.
// Must not: parse a body before its signatures verify; keep or tell a secret.

import { constants, createHmac, createPublicKey, timingSafeEqual, verify, type KeyObject } from "node:crypto";
import { MAX_BODY } from "./body.js";

/** Pairs, where the server has them (then a repeated header is seen), or Node's `request.headersDistinct`. */
export type Headers =
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What is shown in Coop's console: while keys are changed, the old and the new ones. */
export interface Keys {
  /** They begin with `whsec_`. */
  readonly webhookSecrets: readonly string[];
  /** PEM. */
  readonly publicKeys: readonly string[];
}

/** A request of Coop's. `id` is the same on every attempt; null where `unstamped` let it in. */
export interface Verified {
  readonly id: string | null;
  readonly sentAt: Date | null;
  readonly body: Uint8Array;
}

export interface VerifierOptions {
  /** Seconds between Coop's clock and the platform's, either way. */
  readonly tolerance?: number;
  readonly maxBody?: number;
  /**
   * Also lets in requests without any `webhook-` header, on `Coop-Signature` alone, as Coop itself
   * sends them: whoever saw one can send it again for ever, so it is for the time of a move.
   */
  readonly unstamped?: boolean;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** The request is not to be trusted; `status` is the answer that it gets. */
export class Refused extends Error {
  constructor(
    readonly reason: string,
    readonly status = 401,
  ) {
    super(reason);
  }
}

const MOST_SIGNATURES = 16;
const STAMP = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;
const RSA = "coop-signature";
// No full stop, which parts what is signed; no comma, with which Node joins repeated headers.
const ID = /^[A-Za-z0-9_-]{1,256}$/;
const TIME = /^[0-9]{1,12}$/;
const VERSIONED = /^(v[0-9]+[a-z]*),([A-Za-z0-9+/]+={0,2})$/;
const BASE64 = /^[A-Za-z0-9+/]{1,2048}={0,2}$/;

interface Parsed {
  readonly secrets: readonly Buffer[];
  readonly publicKeys: readonly KeyObject[];
}

/**
 * Verifies requests. `use` changes the keys while it runs.
 *
 * Both kinds of keys are to be given, and both signatures then have to verify. With secrets alone
 * `Coop-Signature` is not looked at.
 */
export class Verifier {
  readonly #tolerance: number;
  readonly #maxBody: number;
  readonly #unstamped: boolean;
  readonly #now: () => number;
  #keys: Parsed;

  constructor(keys: Keys, options: VerifierOptions = {}) {
    this.#tolerance = options.tolerance ?? 300;
    this.#maxBody = options.maxBody ?? MAX_BODY;
    this.#unstamped = options.unstamped ?? false;
    this.#now = options.now ?? Date.now;
    this.#keys = parsed(keys, this.#unstamped);
  }

  /** From now on these count, and no others. Throws RangeError. */
  use(keys: Keys): void {
    this.#keys = parsed(keys, this.#unstamped);
  }

  /** The request, as one that Coop sent now. Throws Refused. */
  verify(headers: Headers, body: Uint8Array): Verified {
    if (body.length > this.#maxBody) {
      throw new Refused(`the body has more than ${this.#maxBody} bytes`, 413);
    }
    const { secrets, publicKeys } = this.#keys;
    const found = signatureHeaders(headers);
    const stamped = STAMP.some((name) => found.has(name));
    const verified =
      stamped || !this.#unstamped
        ? this.#stamped(found, body, secrets)
        : { id: null, sentAt: null, body };
    if (publicKeys.length > 0) checkRsa(found.get(RSA), body, publicKeys);
    return verified;
  }

  #stamped(found: ReadonlyMap<string, string>, body: Uint8Array, secrets: readonly Buffer[]): Verified {
    const [id, sent, signature] = STAMP.map((name) => {
      const value = found.get(name);
      if (value === undefined) throw new Refused(`${name} is missing`);
      return value;
    }) as [string, string, string];
    if (!ID.test(id)) throw new Refused("webhook-id is not one of Coop's");
    if (!TIME.test(sent)) throw new Refused("webhook-timestamp is no number of seconds");
    const age = this.#now() / 1000 - Number(sent);
    if (age > this.#tolerance) throw new Refused("webhook-timestamp is too old");
    if (age < -this.#tolerance) throw new Refused("webhook-timestamp is in the future");
    const given = firstVersion(signature);
    const verifies = secrets.some((secret) => {
      const digest = createHmac("sha256", secret).update(`${id}.${sent}.`).update(body).digest();
      return given.some((one) => one.length === digest.length && timingSafeEqual(one, digest));
    });
    if (!verifies) throw new Refused("webhook-signature does not verify");
    return { id, sentAt: new Date(Number(sent) * 1000), body };
  }
}

function signatureHeaders(headers: Headers): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of pairs(headers)) {
    const known = name.toLowerCase();
    if (known !== RSA && !(STAMP as readonly string[]).includes(known)) continue;
    if (found.has(known)) throw new Refused(`${known} is there twice`);
    found.set(known, value);
  }
  return found;
}

function* pairs(headers: Headers): Generator<readonly [string, string]> {
  if (Symbol.iterator in headers) {
    yield* headers as Iterable<readonly [string, string]>;
    return;
  }
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) yield [name, one];
  }
}

/** The signatures of version 1; those of versions that are not known here are passed over. */
function firstVersion(signature: string): Buffer[] {
  const entries = signature.split(" ");
  if (entries.length > MOST_SIGNATURES) throw new Refused("webhook-signature has too many signatures");
  return entries.flatMap((entry) => {
    const [, version, text] = VERSIONED.exec(entry) ?? [];
    if (version === undefined || text === undefined) throw new Refused("webhook-signature is malformed");
    return version === "v1" ? [decoded(text, "webhook-signature")] : [];
  });
}

function checkRsa(signature: string | undefined, body: Uint8Array, keys: readonly KeyObject[]): void {
  if (signature === undefined) throw new Refused("Coop-Signature is missing");
  if (!BASE64.test(signature)) throw new Refused("Coop-Signature is malformed");
  const given = decoded(signature, "Coop-Signature");
  const padding = constants.RSA_PKCS1_PADDING;
  if (!keys.some((key) => verify("sha256", body, { key, padding }, given))) {
    throw new Refused("Coop-Signature does not verify");
  }
}

/** Node reads what is no base64 as if it were; its alphabet was looked at before. */
function decoded(text: string, header: string): Buffer {
  if (text.length % 4 !== 0) throw new Refused(`${header} is malformed`);
  return Buffer.from(text, "base64");
}

function parsed(keys: Keys, unstamped: boolean): Parsed {
  if (keys.webhookSecrets.length === 0 && !(unstamped && keys.publicKeys.length > 0)) {
    throw new RangeError("a webhook secret is needed: the public key alone signs no time");
  }
  if (unstamped && keys.publicKeys.length === 0) {
    throw new RangeError("requests without a time are verified by the public key, and none is");
  }
  return { secrets: keys.webhookSecrets.map(secretOf), publicKeys: keys.publicKeys.map(publicKeyOf) };
}

function secretOf(text: string): Buffer {
  // An error never has the text: it is a secret.
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (encoded === undefined || encoded.length % 4 !== 0) {
    throw new RangeError("a webhook secret is whsec_ and base64");
  }
  const secret = Buffer.from(encoded, "base64");
  if (secret.length < 24 || secret.length > 64) throw new RangeError("a webhook secret has 24 to 64 bytes");
  return secret;
}

function publicKeyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new RangeError("a public key is PEM, as the console shows it");
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== "rsa" || bits < 2048) {
    throw new RangeError("a public key is RSA, of 2048 bits at least");
  }
  return key;
}
