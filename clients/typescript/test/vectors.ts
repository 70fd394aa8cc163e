// The vectors that both libraries are held against, and requests that verify at their moment.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { Verifier, type Headers } from "../src/index.js";

export interface Case {
  readonly name: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly kind?: string;
  readonly refused?: string;
  readonly unreadable?: string;
  readonly status?: number;
  readonly secrets?: readonly string[];
  readonly publicKeys?: readonly string[];
  readonly now?: number;
  readonly maxBody?: number;
  readonly unstamped?: boolean;
}

interface Vectors {
  readonly now: number;
  readonly id: string;
  readonly secrets: readonly string[];
  readonly publicKeys: readonly string[];
  readonly cases: readonly Case[];
}

// From `dist/test`, where this runs.
export const VECTORS = JSON.parse(
  readFileSync(new URL("../../../vectors.json", import.meta.url), "utf8"),
) as Vectors;

export const bodyOf = (one: Case): Buffer => Buffer.from(one.body, "latin1");

/** The usual keys and limits, but for what the case says. */
export function verifierOf(one: Case): Verifier {
  return new Verifier(
    { webhookSecrets: one.secrets ?? VECTORS.secrets, publicKeys: one.publicKeys ?? VECTORS.publicKeys },
    {
      now: () => (one.now ?? VECTORS.now) * 1000,
      unstamped: one.unstamped ?? false,
      ...(one.maxBody === undefined ? {} : { maxBody: one.maxBody }),
    },
  );
}

/** Knows secrets alone, so that a test can sign. */
export function plainVerifier(): Verifier {
  return new Verifier({ webhookSecrets: VECTORS.secrets, publicKeys: [] }, { now: () => VECTORS.now * 1000 });
}

let last = 0;

/** Headers and body of a webhook with that content; each has an id of its own. */
export function signed(told: unknown): [Headers, Buffer] {
  last += 1;
  const id = `id-${last}`;
  const body = Buffer.from(typeof told === "string" ? told : JSON.stringify(told));
  const secret = Buffer.from(String(VECTORS.secrets[0]).slice("whsec_".length), "base64");
  const digest = createHmac("sha256", secret).update(`${id}.${VECTORS.now}.`).update(body).digest("base64");
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(VECTORS.now),
    "webhook-signature": `v1,${digest}`,
  };
  return [headers, body];
}
