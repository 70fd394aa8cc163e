// Every request of the vectors gets the verdict that stands beside it; keys, and their change.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { Refused, TooLarge, Unreadable, Verifier, readBody, readWebhook } from "../src/index.js";
import { VECTORS, bodyOf, plainVerifier, signed, verifierOf } from "./vectors.js";

const KEYS = { webhookSecrets: VECTORS.secrets, publicKeys: VECTORS.publicKeys };

for (const one of VECTORS.cases) {
  test(`a verdict: ${one.name}`, () => {
    const verify = () => verifierOf(one).verify(one.headers, bodyOf(one));
    if (one.refused !== undefined) {
      assert.throws(verify, { constructor: Refused, reason: one.refused, status: one.status ?? 401 });
      return;
    }
    const verified = verify();
    if (one.unreadable !== undefined) {
      assert.throws(() => readWebhook(verified.body), { constructor: Unreadable, message: one.unreadable });
      return;
    }
    assert.equal(readWebhook(verified.body).kind, one.kind);
    assert.equal(verified.id, one.unstamped ? null : VECTORS.id);
  });
}

test("every case has one verdict", () => {
  for (const one of VECTORS.cases) {
    assert.equal([one.kind, one.refused, one.unreadable].filter((verdict) => verdict !== undefined).length, 1);
  }
});

for (const [name, secret] of [
  ["empty", ""],
  ["no bytes", "whsec_"],
  ["short", "whsec_AAAA"],
  ["long", `whsec_${"A".repeat(100)}`],
  ["no base64", `whsec_!${"A".repeat(43)}`],
  ["no prefix", "A".repeat(44)],
] as const) {
  test(`a secret that is none is told without being shown: ${name}`, () => {
    assert.throws(
      () => new Verifier({ webhookSecrets: [secret], publicKeys: [] }),
      (fault: Error) => fault instanceof RangeError && (secret.length < 8 || !fault.message.includes(secret)),
    );
  });
}

test("a public key that is none of Coop's is told", () => {
  const keys = [
    generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey,
    generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey,
  ];
  const others = keys.map((key) => key.export({ type: "spki", format: "pem" }).toString());
  for (const pem of ["no PEM", ...others]) {
    assert.throws(() => new Verifier({ ...KEYS, publicKeys: [pem] }), /a public key/);
  }
});

test("keys that cannot verify are refused at the start", () => {
  const none = { webhookSecrets: [], publicKeys: [] };
  assert.throws(() => new Verifier(none), RangeError);
  assert.throws(() => new Verifier({ ...KEYS, webhookSecrets: [] }), RangeError);
  assert.throws(() => new Verifier({ ...KEYS, publicKeys: [] }, { unstamped: true }), RangeError);
});

test("keys are changed while it runs", () => {
  const verifier = plainVerifier();
  const [headers, body] = signed({});
  verifier.verify(headers, body);
  verifier.use({ webhookSecrets: VECTORS.secrets.slice(1), publicKeys: [] });
  assert.throws(() => verifier.verify(headers, body), /does not verify/);
});

test("headers may be those of Node, distinct or joined", () => {
  const one = VECTORS.cases[0];
  assert.ok(one);
  const distinct = Object.fromEntries(one.headers.map(([name, value]) => [name, [value]]));
  assert.equal(verifierOf(one).verify(distinct, bodyOf(one)).id, VECTORS.id);
  for (const [name, value] of one.headers) {
    const twice = { ...distinct, [name]: [value, value] };
    assert.throws(() => verifierOf(one).verify(twice, bodyOf(one)), /is there twice/);
    const joined = { ...distinct, [name]: `${value}, ${value}` };
    assert.throws(() => verifierOf(one).verify(joined, bodyOf(one)), Refused);
  }
});

async function* sending(size: number, taken: { bytes: number }): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= 1000) {
    taken.bytes += Math.min(left, 1000);
    yield Buffer.alloc(Math.min(left, 1000));
  }
}

test("a body within the limit is read whole", async () => {
  for (const length of [undefined, "5000"]) {
    assert.equal((await readBody(sending(5000, { bytes: 0 }), { length, limit: 5000 })).length, 5000);
  }
});

test("an oversized body is not read to its end", async () => {
  for (const [length, most] of [[undefined, 6000], ["5001", 0], ["1000000000000", 0]] as const) {
    const taken = { bytes: 0 };
    await assert.rejects(readBody(sending(1_000_000, taken), { length, limit: 5000 }), TooLarge);
    assert.ok(taken.bytes <= most);
  }
});
