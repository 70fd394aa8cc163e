// What a platform needs to work with Coop: its webhooks in, its questions answered, content out.
//
//     Receiver    verifies, reads once, hands on to the platform's own functions, answers
//     Coop        sends items, reports and appeals; tries again, and never twice
//
// Must not: need anything but Node.

export { MAX_BODY, TooLarge, readBody } from "./body.js";
export { Coop, CoopError, Refusal, Unavailable, type Call, type CoopOptions, type Sent } from "./coop.js";
export { Later, Receiver, type Answer, type Delivery, type Functions } from "./receiver.js";
export { MemorySeen, type Claim, type Seen } from "./seen.js";
export { Refused, Verifier, type Headers, type Keys, type Verified, type VerifierOptions } from "./signature.js";
export type * from "./types.js";
export { Unreadable, readWebhook, type Webhook } from "./webhook.js";
