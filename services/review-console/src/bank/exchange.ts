/**
 * Exchanges that fill hash banks: what is asked and changed.
 *
 * Guarantees: which fields a kind has is what the server says; a credential goes there and is kept nowhere.
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import type { Level } from "@/look/severity";

export type Exchange = Schema["ExchangeView"];
export type Offer = Schema["ExchangeOfferView"];
export type ExchangeKind = Offer["kind"];

const KEY = ["configuration", "hash-exchanges"] as const;

/** How far each is changes by itself. */
export const exchangesQuery = queryOptions({ queryKey: KEY, refetchInterval: 30_000, queryFn: ({ signal }) => take(api.GET("/v1/hash-exchanges", { signal })) });

export const LEVELS: Readonly<Record<Exchange["condition"], Level>> = { WAITING: "medium", FETCHING: "low", CURRENT: "done", BEHIND: "medium", FAILED: "severe", UNKNOWN: "high" };

/** What is typed, by the names of the server's fields. */
export type Typed = Readonly<Record<string, string>>;

const SHAPES = {
  espIds: /^\s*(?:[1-9][0-9]{0,8}\s*(?:,\s*[1-9][0-9]{0,8}\s*)*)?$/,
  privacyGroup: /^\s*[0-9]{1,20}\s*$/,
  file: /^\s*[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\s*$/,
} as const;
export type Setting = keyof typeof SHAPES;

export function isSetting(name: string): name is Setting {
  return name in SHAPES;
}

/** Whether it is what such a setting can be; nothing is, where it may be left out. */
export function fits(name: Setting, text: string): boolean {
  return SHAPES[name].test(text);
}

export function bodyOf(offer: Offer, settings: Typed, credentials: Typed): Schema["ExchangeBody"] {
  const told: Record<string, unknown> = {};
  for (const { name } of offer.settings) {
    const text = (settings[name] ?? "").trim();
    if (text === "") continue;
    told[name] = name === "espIds" ? text.split(",").map((one) => Number(one)) : text;
  }
  return { kind: offer.kind, settings: told, credentials: secretsOf(offer, credentials) };
}

export function secretsOf(offer: Offer, typed: Typed): Record<string, string> {
  return Object.fromEntries(offer.credentials.flatMap(({ name }) => (typed[name] ? [[name, typed[name]]] : [])));
}

async function renewed<T>(answer: Promise<T>): Promise<T> {
  const kept = await answer;
  await queries.invalidateQueries({ queryKey: KEY });
  return kept;
}

export function addExchange(bankId: string, body: Schema["ExchangeBody"]): Promise<Exchange> {
  return renewed(take(api.POST("/v1/hash-banks/{bank_id}/exchanges", { params: { path: { bank_id: bankId } }, body })));
}

const at = (one: Exchange) => ({ path: { bank_id: one.bankId, exchange_id: one.id } });

export function setCredentials(one: Exchange, body: Record<string, string>): Promise<Exchange> {
  return renewed(take(api.PUT("/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/credentials", { params: at(one), body })));
}

/** Nothing of it is fetched any more, or again. */
export function pauseExchange(one: Exchange, paused: boolean): Promise<Exchange> {
  return renewed(take(paused ? api.POST("/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/pause", { params: at(one) }) : api.POST("/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/resume", { params: at(one) })));
}

export function removeExchange(one: Exchange): Promise<unknown> {
  return renewed(take(api.DELETE("/v1/hash-banks/{bank_id}/exchanges/{exchange_id}", { params: at(one) })));
}
