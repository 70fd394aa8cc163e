/**
 * What pages of hash banks ask and change.
 *
 * Guarantees: adding is adding once, so that whatever broke can be sent again; a file goes to review-api
 * as it is, and nowhere else.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { ifMatch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./hash-words";

export type HashBank = Schema["HashBankView"];
export type Hash = Schema["HashView"];
export type Match = Schema["HashMatchView"];
const say = sayer(words);

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  enabledRatio: z.union([z.number(), z.literal("")]).check(z.refine((value) => value !== "" && value >= 0 && value <= 100, { error: () => say("ratioNeeded") })),
  knownGood: z.boolean(),
});
export type Values = z.infer<typeof Values>;

export function valuesOf(bank: HashBank | null): Values {
  return { name: bank?.name ?? "", description: bank?.description ?? "", enabledRatio: Math.round((bank?.enabledRatio ?? 1) * 10_000) / 100, knownGood: bank?.knownGood ?? false };
}

export function bodyOf(values: Values): Schema["HashBankBody"] {
  return { ...values, name: values.name.trim(), enabledRatio: (values.enabledRatio === "" ? 0 : values.enabledRatio) / 100 };
}

export function read(id: string): Promise<HashBank> {
  return take(api.GET("/v1/hash-banks/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export const hashBankQuery = (id: string) => queryOptions({ queryKey: ["configuration", "hash-bank", id], queryFn: () => read(id) });

export function save(values: Values, base: HashBank | null): Promise<HashBank> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/hash-banks", { body }));
  return take(api.PUT("/v1/hash-banks/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

export const hashesQuery = (bankId: string) =>
  infiniteQueryOptions({
    queryKey: ["hashes", bankId],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/hash-banks/{bank_id}/hashes", { params: { path: { bank_id: bankId }, query: { limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

/** What was added or changed is shown. */
export function renewHashes(bankId: string): void {
  void queries.invalidateQueries({ queryKey: ["hashes", bankId] });
  void queries.invalidateQueries({ queryKey: ["configuration", "hash-bank-sizes"] });
}

/** What an algorithm's hash is written as; null: it is none. */
export function kindOfHash(text: string): "pdq" | "md5" | null {
  const said = text.trim();
  if (/^[0-9a-f]{64}$/i.test(said)) return "pdq";
  return /^[0-9a-f]{32}$/i.test(said) ? "md5" : null;
}

/** Lines of `hash` or `hash,note`; `wrong`: the first line that is neither, from one. */
export function hashLines(text: string): { hashes: Schema["NewHashFields"][]; wrong: number | null } {
  const hashes: Schema["NewHashFields"][] = [];
  let wrong: number | null = null;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [hash = "", ...note] = line.split(",");
    if (kindOfHash(hash) === null) wrong ??= at + 1;
    else hashes.push({ hash: hash.trim().toLowerCase(), note: note.join(",").trim().slice(0, 255) });
  }
  return { hashes, wrong };
}

const asIs = (type: string) => ({ bodySerializer: (body: unknown) => body as Blob, headers: { "Content-Type": type } });

export function addFile(bankId: string, file: File): Promise<Schema["FileAddedView"]> {
  return take(api.POST("/v1/hash-banks/{bank_id}/files", { params: { path: { bank_id: bankId }, query: { note: file.name.slice(0, 255) } }, body: file as never, ...asIs("application/octet-stream") }));
}

export function matchFile(file: File): Promise<Match> {
  return take(api.POST("/v1/hash-matches/file", { body: file as never, ...asIs("application/octet-stream") }));
}

export function matchHash(text: string): Promise<Match> {
  const hash = text.trim().toLowerCase();
  return take(api.POST("/v1/hash-matches", { body: kindOfHash(hash) === "pdq" ? { pdq: hash } : { md5: hash } }));
}

/** How far a file of hashes is. */
export interface Progress {
  readonly rows: number;
  readonly done: number;
  readonly added: number;
  readonly known: number;
  readonly finished?: boolean;
  readonly error?: string | null;
}

/** Brings a file in, and tells each step; the last one told is how it ended. */
export async function importHashes(bankId: string, file: File, tell: (progress: Progress) => void): Promise<void> {
  const stream = (await take(api.POST("/v1/hash-banks/{bank_id}/hashes/import", { params: { path: { bank_id: bankId } }, body: file as never, ...asIs("text/csv"), parseAs: "stream" }))) as unknown as ReadableStream<Uint8Array> | null;
  if (!stream) return;
  const reader = stream.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") tell(JSON.parse(line) as Progress);
  }
}
