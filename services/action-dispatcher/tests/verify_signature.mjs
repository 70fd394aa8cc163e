// Verifies a Coop-Signature as a platform would, with Web Crypto alone.
// Reads {publicKey (PEM), signature (base64), body (one character a byte)}, writes {valid}.

import { readFileSync } from "node:fs";

const given = JSON.parse(readFileSync(0, "utf8"));
const der = Buffer.from(given.publicKey.replace(/-----[^-]+-----|\s/g, ""), "base64");
const key = await crypto.subtle.importKey(
  "spki",
  der,
  { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  false,
  ["verify"],
);
const valid = await crypto.subtle.verify(
  "RSASSA-PKCS1-v1_5",
  key,
  Buffer.from(given.signature, "base64"),
  Buffer.from(given.body, "latin1"),
);
process.stdout.write(JSON.stringify({ valid }));
