/**
 * The form of a configuration document: the one form, and what a document needs besides.
 *
 *     saved ──▶ changed ──▶ saving ──▶ saved
 *                              └─▶ 412: read theirs ──▶ mine (the next save is over theirs)
 *                                                   └─▶ theirs (what was entered is given up)
 *
 * Guarantees: what somebody saved since the form was begun is never written over unseen (`If-Match`).
 */
import { useState } from "react";
import type { z } from "zod/mini";

import { asProblem } from "@/api/problem";
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
}

export interface DocumentForm<D extends Told, V extends Record<string, unknown>> extends ProblemForm<V> {
  /** What the form was begun from. */
  readonly base: D | null;
  readonly clash: { readonly theirs: D; readonly isMine: boolean } | null;
  readonly keepMine: () => void;
  readonly takeTheirs: () => void;
  readonly discard: () => void;
  /** Anew from a document that is another one now: a version that was brought back. */
  readonly begin: (document: D) => void;
}

export function useDocumentForm<D extends Told, V extends Record<string, unknown>>(options: Options<D, V>): DocumentForm<D, V> {
  const { document, schema, valuesOf, paths, save, read, saved } = options;
  const [base, setBase] = useState(document);
  const [theirs, setTheirs] = useState<D | null>(null);
  const [isMine, setMine] = useState(false);
  const form = useProblemForm<V>({
    schema,
    initialValues: valuesOf(document),
    paths,
    // A secret that was typed is kept now, a field that was renamed is called so.
    held: (kept) => valuesOf(kept as D),
    send: async (values) => {
      try {
        const kept = await save(values, base);
        setBase(kept);
        setTheirs(null);
        setMine(false);
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
  };
  return {
    ...form,
    base,
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

/** Every fault at a path or below it, but for those below one of `shown`, which stand at their field. */
export function faultsUnder<V extends Record<string, unknown>>(form: ProblemForm<V>, path: string, shown: readonly string[] = []): string[] {
  const isAt = (at: string, one: string) => at === one || at.startsWith(`${one}.`);
  return Object.entries(form.form.errors).flatMap(([at, reason]) => (reason && isAt(at, path) && !shown.some((one) => isAt(at, `${path}.${one}`)) ? [String(reason)] : []));
}

/** What was wrong there is being mended. */
export function clearUnder<V extends Record<string, unknown>>(form: ProblemForm<V>, path: string): void {
  form.form.setErrors(Object.fromEntries(Object.entries(form.form.errors).filter(([at]) => at !== path && !at.startsWith(`${path}.`))));
}
