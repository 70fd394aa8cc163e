/**
 * The form of a configuration document: the one form, and what a document needs besides.
 *
 *     saved ──▶ changed ──▶ saving ──▶ saved
 *                              └─▶ 412: read theirs ──▶ mine (the next save is over theirs)
 *                                                   └─▶ theirs (what was entered is given up)
 *
 * Guarantees: what somebody saved since the form was begun is never written over unseen (`If-Match`);
 * with `keepAs` what was entered outlives a page that is loaded again, with what it was begun from.
 */
import { useRef, useState } from "react";
import type { z } from "zod/mini";

import { asProblem } from "@/api/problem";
import { parsed, readKept, writeKept } from "@/form/kept";
import { useProblemForm, type ProblemForm } from "@/form/use-problem-form";

import type { Told } from "./documents";

interface Options<D extends Told, V extends Record<string, unknown>> {
  /** Null: there is none yet. */
  readonly document: D | null;
  readonly schema: z.ZodMiniType<V>;
  readonly valuesOf: (document: D | null) => V;
  readonly paths?: readonly string[];
  readonly save: (values: V, base: D | null) => Promise<D>;
  readonly read: (id: string) => Promise<D>;
  readonly saved: (document: D, isNew: boolean) => void;
  /** A place for what was entered and not saved. Never for what is secret. */
  readonly keepAs?: string;
}

export interface DocumentForm<D extends Told, V extends Record<string, unknown>> extends ProblemForm<V> {
  /** What the form was begun from. */
  readonly base: D | null;
  readonly clash: { readonly theirs: D; readonly isMine: boolean } | null;
  readonly keepMine: () => void;
  readonly takeTheirs: () => void;
  readonly discard: () => void;
  /** What was entered before the page was loaded again is here. */
  readonly isKept: boolean;
  /** Nothing of it is kept. */
  readonly forget: () => void;
  /** Anew from a document that is another one now: a version that was brought back. */
  readonly begin: (document: D) => void;
}

export function useDocumentForm<D extends Told, V extends Record<string, unknown>>(options: Options<D, V>): DocumentForm<D, V> {
  const { document, schema, valuesOf, paths, save, read, saved, keepAs } = options;
  const [kept, setKept] = useState(() => (keepAs === undefined ? null : keptIn<D, V>(keepAs, valuesOf(null))));
  const [base, setShownBase] = useState(kept ? kept.base : document);
  // What the form is compared with from the very moment, not from the next painting.
  const begun = useRef(base);
  const setBase = (next: D | null) => {
    begun.current = next;
    setShownBase(next);
  };
  const forget = () => {
    if (keepAs !== undefined) writeKept(keepAs, "");
    setKept(null);
  };
  const changed = (values: V) => {
    if (keepAs === undefined) return;
    const isSame = JSON.stringify(values) === JSON.stringify(valuesOf(begun.current));
    writeKept(keepAs, isSame ? "" : JSON.stringify({ base: begun.current, values }));
  };
  const [theirs, setTheirs] = useState<D | null>(null);
  const [isMine, setMine] = useState(false);
  const form = useProblemForm<V>({
    schema,
    initialValues: kept ? kept.values : valuesOf(document),
    paths,
    changed,
    // A secret that was typed is kept now, a field that was renamed is called so.
    held: (kept) => valuesOf(kept as D),
    send: async (values) => {
      try {
        const kept = await save(values, base);
        setBase(kept);
        setTheirs(null);
        setMine(false);
        forget();
        saved(kept, base === null);
        return kept;
      } catch (error) {
        if (base !== null && asProblem(error)?.status === 412) {
          setTheirs(await read(base.id));
          setMine(false);
        }
        throw error;
      }
    },
  });
  const from = (document: D | null) => {
    setBase(document);
    setTheirs(null);
    form.form.setValues(valuesOf(document));
    form.form.resetDirty(valuesOf(document));
    form.form.clearErrors();
    forget();
  };
  return {
    ...form,
    dirty: keepAs === undefined ? form.dirty : JSON.stringify(form.form.values) !== JSON.stringify(valuesOf(base)),
    base,
    isKept: kept !== null,
    forget,
    clash: theirs === null ? null : { theirs, isMine },
    keepMine: () => {
      setBase(theirs);
      setMine(true);
    },
    takeTheirs: () => from(theirs),
    discard: () => from(base),
    begin: from,
  };
}

/** What was kept there, if it is of this form: with every field that it has. */
function keptIn<D, V extends Record<string, unknown>>(place: string, fields: V): { readonly base: D | null; readonly values: V } | null {
  const kept = parsed(readKept(place)) as { base?: D | null; values?: V } | null;
  const values = kept?.values;
  if (kept?.base === undefined || typeof values !== "object" || values === null) return null;
  return Object.keys(fields).every((name) => name in values) ? { base: kept.base, values } : null;
}

/** Every fault at a path or below it, but for those below one of `shown`, which stand at their field. */
export function faultsUnder<V extends Record<string, unknown>>(form: ProblemForm<V>, path: string, shown: readonly string[] = []): string[] {
  const isAt = (at: string, one: string) => at === one || at.startsWith(`${one}.`);
  return Object.entries(form.form.errors).flatMap(([at, reason]) => (reason && isAt(at, path) && !shown.some((one) => isAt(at, `${path}.${one}`)) ? [String(reason)] : []));
}

/** What was wrong there is being mended. */
export function clearUnder<V extends Record<string, unknown>>(form: ProblemForm<V>, path: string): void {
  form.form.setErrors(Object.fromEntries(Object.entries(form.form.errors).filter(([at]) => at !== path && !at.startsWith(`${path}.`))));
}
