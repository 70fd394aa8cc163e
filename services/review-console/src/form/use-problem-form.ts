/**
 * The one form: Mantine's, checked by zod before it is sent, and by the API's answer after.
 *
 *     const form = useProblemForm({ schema, initialValues, send: (values) => take(api.PUT(…)) });
 *     <form onSubmit={form.submit}>
 *       <FormProblem form={form} />
 *       <TextInput {...form.input("name")} label={say("name")} />
 *
 * Guarantees: a fault with a pointer (`/fields/0/name`) lands on the field of that path, which gets the
 * focus; what has no field of its own is said above the form (`problem`); nothing that was entered is
 * lost by a refusal, nor by closing or loading the page again where `keepAs` names a place for it; one
 * press sends once. `dirty` feeds `LeaveGuard`.
 */
import { schemaResolver, useForm, type UseFormReturnType } from "@mantine/form";
import { useRef, useState, type FormEvent } from "react";
import type { z } from "zod/mini";

import { asProblem, type ApiProblem } from "@/api/problem";

import { parsed, readKept, writeKept } from "./kept";

interface Options<V extends Record<string, unknown>> {
  readonly schema: z.ZodMiniType<V>;
  readonly initialValues: V;
  readonly send: (values: V) => Promise<unknown>;
  /** What the form holds once it was sent, of the answer; else what was sent. */
  readonly held?: (answer: unknown) => V;
  /** Paths that have a field; a fault at another one is said above the form. */
  readonly paths?: readonly string[];
  /** Never for what is secret. */
  readonly keepAs?: string;
  readonly changed?: (values: V) => void;
}

export interface ProblemForm<V extends Record<string, unknown>> {
  readonly form: UseFormReturnType<V>;
  readonly input: UseFormReturnType<V>["getInputProps"];
  readonly problem: ApiProblem | null;
  readonly sending: boolean;
  readonly submit: (event?: FormEvent<HTMLFormElement>) => void;
  readonly dirty: boolean;
}

/** `/fields/0/name` as `fields.0.name` (RFC 6901). */
export function pathOf(pointer: string): string {
  return pointer
    .replace(/^#?\//, "")
    .split("/")
    .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"))
    .join(".");
}

/** Of what was kept, the fields that the form has. */
function keptOf<V extends Record<string, unknown>>(place: string, initialValues: V): Partial<V> {
  const kept = parsed(readKept(place));
  if (typeof kept !== "object" || kept === null) return {};
  return Object.fromEntries(Object.entries(kept).filter(([name]) => name in initialValues)) as Partial<V>;
}

export function useProblemForm<V extends Record<string, unknown>>(options: Options<V>): ProblemForm<V> {
  const { schema, initialValues, send, keepAs, changed } = options;
  const [first] = useState(() => (keepAs === undefined ? initialValues : { ...initialValues, ...keptOf(keepAs, initialValues) }));
  const form = useForm<V>({
    initialValues: first,
    validate: schemaResolver(schema, { sync: true }),
    validateInputOnBlur: false,
    onValuesChange: (values) => {
      if (keepAs !== undefined) writeKept(keepAs, JSON.stringify(values));
      changed?.(values);
    },
  });
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [sending, setSending] = useState(false);
  const busy = useRef(false);
  const paths = options.paths ?? Object.keys(initialValues);

  const land = (error: unknown): void => {
    const refused = asProblem(error);
    if (!refused) throw error;
    const errors: Record<string, string> = {};
    for (const fault of refused.faults) {
      const path = pathOf(fault.pointer);
      const field = paths.find((one) => path === one || path.startsWith(`${one}.`)) ?? null;
      if (field !== null) errors[path in form.values || path.includes(".") ? path : field] ??= fault.reason;
    }
    const first = Object.keys(errors)[0];
    form.setErrors(errors);
    setProblem(first === undefined || Object.keys(errors).length < refused.faults.length ? refused : null);
    if (first !== undefined) form.getInputNode(first as Parameters<typeof form.getInputNode>[0])?.focus();
  };

  const focus = (errors: Readonly<Record<string, unknown>>): void => {
    const [first] = Object.keys(errors);
    if (first !== undefined) form.getInputNode(first as Parameters<typeof form.getInputNode>[0])?.focus();
  };

  const submit = (event?: FormEvent<HTMLFormElement>): void => {
    const checked = form.onSubmit((values) => {
      if (busy.current) return;
      busy.current = true;
      setSending(true);
      setProblem(null);
      send(values)
        .then((answer) => {
          if (keepAs !== undefined) writeKept(keepAs, "");
          const held = options.held?.(answer) ?? values;
          // What was entered while it was on its way stays.
          if (options.held && JSON.stringify(form.getValues()) === JSON.stringify(values)) form.setValues(held);
          form.resetDirty(held);
        })
        .catch(land)
        .finally(() => {
          busy.current = false;
          setSending(false);
        });
    }, focus);
    checked(event);
  };

  return { form, input: form.getInputProps, problem, sending, submit, dirty: form.isDirty() };
}
