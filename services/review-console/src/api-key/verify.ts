/**
 * How a receiver tells that a webhook is from Coop, to copy; by both schemes that webhooks are signed with.
 *
 * Guarantees: each needs its language's own library alone (Python's RSA: `cryptography`), compares in
 * constant time, and refuses what is older than five minutes where the scheme has a time.
 */
export const LANGUAGES = ["python", "javascript", "php"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Scheme = "STANDARD_WEBHOOKS" | "RSA_SHA256";

const STANDARD: Readonly<Record<Language, string>> = {
  python: `import base64, hashlib, hmac, time

def is_from_coop(headers: dict[str, str], body: bytes, secret: str) -> bool:
    sent_at = headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f'{headers["webhook-id"]}.{sent_at}.'.encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(expected, one) for one in given)
`,
  javascript: `import { createHmac, timingSafeEqual } from "node:crypto";

export function isFromCoop(headers, body, secret) {
  const sentAt = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(headers["webhook-id"] + "." + sentAt + ".").update(body).digest();
  return headers["webhook-signature"].split(" ").some((one) => {
    const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
`,
  php: `<?php
function is_from_coop(array $headers, string $body, string $secret): bool {
    $sentAt = $headers["webhook-timestamp"];
    if (abs(time() - (int) $sentAt) > 300) return false;
    $key = base64_decode(preg_replace("/^whsec_/", "", $secret));
    $signed = $headers["webhook-id"] . "." . $sentAt . "." . $body;
    $expected = base64_encode(hash_hmac("sha256", $signed, $key, true));
    foreach (explode(" ", $headers["webhook-signature"]) as $one) {
        if (hash_equals($expected, preg_replace("/^v1,/", "", $one))) return true;
    }
    return false;
}
`,
};

const RSA: Readonly<Record<Language, string>> = {
  python: `import base64
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

def is_from_coop(headers: dict[str, str], body: bytes, public_key: str) -> bool:
    key = serialization.load_pem_public_key(public_key.encode())
    try:
        key.verify(base64.b64decode(headers["coop-signature"]), body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
`,
  javascript: `import { verify } from "node:crypto";

export function isFromCoop(headers, body, publicKey) {
  return verify("RSA-SHA256", body, publicKey, Buffer.from(headers["coop-signature"], "base64"));
}
`,
  php: `<?php
function is_from_coop(array $headers, string $body, string $publicKey): bool {
    $signature = base64_decode($headers["coop-signature"]);
    return openssl_verify($body, $signature, $publicKey, OPENSSL_ALGO_SHA256) === 1;
}
`,
};

export function verifyIn(scheme: Scheme, language: Language): string {
  return (scheme === "RSA_SHA256" ? RSA : STANDARD)[language];
}
