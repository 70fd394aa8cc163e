/**
 * What pages of banks ask and change.
 *
 * Guarantees: entries are added and removed each for itself, so that nobody's other entries are written
 * over; what replaces all of them is sent over the revision that was looked at; a name is changed on
 * the bank as it is then.
 */
import { queryOptions, type QueryKey } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { ifMatch, listQuery } from "@/settings/documents";

import type { Search } from "./search";

export type TextBank = Schema["TextBankView"];
export type LocationBank = Schema["LocationBankView"];
export type Change = Schema["BankChangeView"];
export type FileBank = "text-banks" | "location-banks";

export const textsOf = (search: Search) => listQuery("text-banks", search, (query, signal) => take(api.GET("/v1/text-banks", { params: { query }, signal })));
export const placesOf = (search: Search) => listQuery("location-banks", search, (query, signal) => take(api.GET("/v1/location-banks", { params: { query }, signal })));
export const hashesOf = (search: Search) => listQuery("hash-banks", search, (query, signal) => take(api.GET("/v1/hash-banks", { params: { query }, signal })));

export const sizesQuery = queryOptions({ queryKey: ["configuration", "hash-bank-sizes"], staleTime: 30_000, queryFn: ({ signal }) => take(api.GET("/v1/hash-bank-sizes", { signal })) });

const read = (id: string) => ({ params: { path: { document_id: id }, query: { include: "usage" as const } } });

export const textBankQuery = (id: string) => queryOptions({ queryKey: ["configuration", "text-bank", id], queryFn: () => take(api.GET("/v1/text-banks/{document_id}", read(id))) });
export const locationBankQuery = (id: string) => queryOptions({ queryKey: ["configuration", "location-bank", id], queryFn: () => take(api.GET("/v1/location-banks/{document_id}", read(id))) });

/** Lines as entries: without blank ones, each once, otherwise as they were written. */
export function linesOf(text: string): string[] {
  return [...new Set(text.split(/\r?\n/).filter((line) => line.trim() !== ""))];
}

/** Where the entries are in which what is looked for stands, whatever its case; one that is there twice once. */
export function entriesWith(entries: readonly string[], q: string): number[] {
  const wanted = q.toLocaleLowerCase();
  const found = new Map<string, number>();
  for (const [at, entry] of entries.entries()) if (!found.has(entry) && (wanted === "" || entry.toLocaleLowerCase().includes(wanted))) found.set(entry, at);
  return [...found.values()];
}

/** How many letters and digits an entry has, if they are so few that nearly every text has it. */
export function broadness(entry: string): number | null {
  const letters = entry.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
  // One letter of a script without them is a word.
  return letters <= 2 && !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u.test(entry) ? letters : null;
}

/** Adds and removes texts; the page has it at once. */
export async function changeTexts(bank: TextBank, add: readonly string[], remove: readonly string[]): Promise<Change> {
  const done = await take(api.PATCH("/v1/text-banks/{document_id}", { params: { path: { document_id: bank.id } }, body: { add: [...add], remove: [...remove] } }));
  const gone = new Set(remove);
  queries.setQueryData(textBankQuery(bank.id).queryKey, (had) => {
    if (!had) return had;
    const left = (had.strings ?? []).filter((one) => !gone.has(one));
    const there = new Set(left);
    return { ...had, revision: done.revision, entryCount: done.entryCount, strings: [...left, ...add.filter((one) => !there.has(one))] };
  });
  renew(textBankQuery(bank.id).queryKey);
  return done;
}

export async function changePlaces(bank: LocationBank, add: readonly Schema["LocationFields"][], remove: readonly string[]): Promise<Change> {
  const done = await take(api.PATCH("/v1/location-banks/{document_id}", { params: { path: { document_id: bank.id } }, body: { add: [...add], remove: [...remove] } }));
  await queries.invalidateQueries({ queryKey: locationBankQuery(bank.id).queryKey });
  renew(locationBankQuery(bank.id).queryKey);
  return done;
}

/** As it is now on the server, wherever it is shown. */
function renew(key: QueryKey): void {
  void queries.invalidateQueries({ queryKey: key });
  void queries.invalidateQueries({ queryKey: ["configuration", "list"] });
  void queries.invalidateQueries({ queryKey: ["configuration", "versions"] });
}

export interface Import {
  readonly path: FileBank;
  readonly id: string;
  readonly text: string;
  readonly isJson: boolean;
  readonly mode: "add" | "replace";
  /** What was looked at; null: look at it. */
  readonly over: number | null;
}

/** Looks at a file, or brings it in. */
export async function imported({ path, id, text, isJson, mode, over }: Import): Promise<Change> {
  const sent = {
    params: { path: { document_id: id }, query: { mode, dryRun: over === null }, header: over === null ? {} : ifMatch(over) },
    body: text as never,
    bodySerializer: (body: unknown) => body as string,
    headers: { "Content-Type": isJson ? "application/json" : "text/csv" },
  };
  const done = await take(path === "text-banks" ? api.POST("/v1/text-banks/{document_id}/import", sent) : api.POST("/v1/location-banks/{document_id}/import", sent));
  if (over !== null) await queries.invalidateQueries({ queryKey: ["configuration"] });
  return done;
}

/** The new name on the bank as it is now; null, where somebody else renamed it since. */
export async function renamed(path: FileBank, began: { id: string; name: string; description?: string }, to: { name: string; description: string }): Promise<TextBank | LocationBank | null> {
  const params = { path: { document_id: began.id } };
  const isTheSame = (now: { name: string; description?: string }) => now.name === began.name && (now.description ?? "") === (began.description ?? "");
  if (path === "text-banks") {
    const now = await take(api.GET("/v1/text-banks/{document_id}", { params }));
    if (!isTheSame(now)) return null;
    return take(api.PUT("/v1/text-banks/{document_id}", { params: { ...params, header: ifMatch(now.revision) }, body: { ...to, type: now.type, strings: now.strings ?? [] } }));
  }
  const now = await take(api.GET("/v1/location-banks/{document_id}", { params }));
  if (!isTheSame(now)) return null;
  return take(api.PUT("/v1/location-banks/{document_id}", { params: { ...params, header: ifMatch(now.revision) }, body: { ...to, locations: now.locations ?? [] } }));
}
