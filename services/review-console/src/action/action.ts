/**
 * An action as its form has it, and as review-api takes it.
 *
 * Guarantees: a header whose value was not typed anew stays as it is; numbers that were left empty are
 * no bound.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch, listQuery, type ListSearch } from "@/settings/documents";
import { headerRows, headersOf, type HeaderRow } from "@/settings/headers-field";
import { sayer } from "@/words/words";

import { words } from "./words";

export type Action = Schema["ActionView"];
export type Parameter = Schema["ParameterFields"];
type Json = Schema["JsonValue"];
const say = sayer(words);

export const KINDS = ["CONTENT", "USER", "THREAD"] as const;
export const PENALTIES = ["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"] as const;
export const TYPES = ["STRING", "NUMBER", "BOOLEAN", "SELECT", "MULTISELECT"] as const;

export interface ParameterRow {
  readonly name: string;
  readonly displayName: string;
  readonly type: (typeof TYPES)[number];
  readonly required: boolean;
  readonly description: string;
  readonly options: string;
  readonly maxLength: number | "";
  readonly min: number | "";
  readonly max: number | "";
  readonly defaultValue: Json | null;
}

function isObject(text: string): boolean {
  if (text.trim() === "") return true;
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read);
  } catch {
    return false;
  }
}

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  appliesToAllItemsOfKind: z.array(z.enum(KINDS)),
  itemTypeIds: z.array(z.string()),
  reverseActionId: z.nullable(z.string()),
  callbackUrl: z.string().check(z.refine((url) => url.trim() !== "", { error: () => say("urlNeeded") })),
  callbackUrlHeaders: z.custom<HeaderRow[]>(Array.isArray),
  callbackUrlBody: z.string().check(z.refine(isObject, { error: () => say("bodyNot") })),
  penalty: z.enum(PENALTIES),
  applyUserStrikes: z.boolean(),
  parameters: z.custom<ParameterRow[]>(Array.isArray),
});
export type Values = z.infer<typeof Values>;
export const PATHS = Object.keys(Values.def.shape);

export const NEW_PARAMETER: ParameterRow = { name: "", displayName: "", type: "STRING", required: false, description: "", options: "", maxLength: "", min: "", max: "", defaultValue: null };

export function rowOf(one: Parameter): ParameterRow {
  const options = (one.options ?? []).map(({ value, label }) => (value === label ? value : `${value} = ${label}`)).join("\n");
  return { name: one.name, displayName: one.displayName, type: one.type, required: one.required ?? false, description: one.description ?? "", options, maxLength: one.maxLength ?? "", min: one.min ?? "", max: one.max ?? "", defaultValue: one.defaultValue ?? null };
}

export function optionsOf(text: string): { value: string; label: string }[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [value = "", ...label] = line.split("=");
      return { value: value.trim(), label: label.join("=").trim() || value.trim() };
    });
}

/** The fields that its type has: what was typed for another one is left out. */
export function parameterOf(row: ParameterRow): Parameter {
  const { name, displayName, type, required, description, defaultValue } = row;
  const bound = (value: number | "") => (value === "" ? null : value);
  const isChoice = type === "SELECT" || type === "MULTISELECT";
  return {
    name,
    displayName: displayName.trim() === "" ? name : displayName,
    type,
    required,
    description,
    ...(isChoice ? { options: optionsOf(row.options) } : {}),
    ...(type === "STRING" ? { maxLength: bound(row.maxLength) } : {}),
    ...(type === "NUMBER" ? { min: bound(row.min), max: bound(row.max) } : {}),
    ...(defaultValue === null || defaultValue === "" ? {} : { defaultValue }),
  };
}

export function valuesOf(action: Action | null): Values {
  const body = action?.callbackUrlBody;
  return {
    name: action?.name ?? "",
    description: action?.description ?? "",
    appliesToAllItemsOfKind: action?.appliesToAllItemsOfKind ?? [],
    itemTypeIds: action?.itemTypeIds ?? [],
    reverseActionId: action?.reverseActionId ?? null,
    callbackUrl: action?.callbackUrl ?? "",
    callbackUrlHeaders: headerRows(action?.callbackUrlHeaderNames),
    callbackUrlBody: body && Object.keys(body).length > 0 ? JSON.stringify(body, null, 2) : "",
    penalty: action?.penalty ?? "NONE",
    applyUserStrikes: action?.applyUserStrikes ?? false,
    parameters: (action?.parameters ?? []).map(rowOf),
  };
}

export function bodyOf(values: Values): Schema["ActionBody"] {
  const { callbackUrlHeaders: rows, callbackUrlBody, parameters, ...rest } = values;
  return {
    ...rest,
    name: values.name.trim(),
    callbackUrl: values.callbackUrl.trim(),
    callbackUrlHeaders: headersOf(rows),
    ...(callbackUrlBody.trim() === "" ? {} : { callbackUrlBody: JSON.parse(callbackUrlBody) as Record<string, Json> }),
    parameters: parameters.map(parameterOf),
  };
}

export function listOf(search: ListSearch) {
  return listQuery("actions", search, (query, signal) => take(api.GET("/v1/actions", { params: { query }, signal })));
}

export function read(id: string): Promise<Action> {
  return take(api.GET("/v1/actions/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function actionQuery(id: string) {
  return queryOptions({ queryKey: ["configuration", "action", id], queryFn: () => read(id) });
}

export function save(values: Values, base: Action | null): Promise<Action> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/actions", { body }));
  return take(api.PUT("/v1/actions/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

export function remove({ id, revision }: Action): Promise<unknown> {
  return take(api.DELETE("/v1/actions/{document_id}", { params: { path: { document_id: id }, header: ifMatch(revision) } }));
}
