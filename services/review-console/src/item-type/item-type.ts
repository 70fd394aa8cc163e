/**
 * An item type as its form has it, and as review-api takes it; and what a change of it breaks.
 *
 * Guarantees: a field that is renamed keeps its role and whether it is hidden.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch, listQuery, type ListSearch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./words";

export type ItemType = Schema["ItemTypeView"];
export type Scalar = Schema["ScalarType"];
export type Role = keyof Schema["FieldRolesFields"];
const say = sayer(words);

export const KINDS = ["CONTENT", "USER", "THREAD"] as const;
export const SCALARS = ["STRING", "NUMBER", "BOOLEAN", "DATETIME", "ID", "USER_ID", "RELATED_ITEM", "URL", "IMAGE", "VIDEO", "AUDIO", "MEDIA", "GEOHASH", "POLICY_ID", "IP_ADDRESS", "EMAIL_ADDRESS"] as const satisfies readonly Scalar[];
/** What a key of a map may be: what is text. */
export const KEYS = ["STRING", "NUMBER", "BOOLEAN", "DATETIME", "ID", "URL", "GEOHASH", "POLICY_ID", "IP_ADDRESS", "EMAIL_ADDRESS"] as const satisfies readonly Scalar[];

/** Which kinds have a role, and of which type its field is; as `coop_items.definition` checks it. */
export const ROLES: Readonly<Record<Role, { kinds: readonly (typeof KINDS)[number][]; type: Scalar }>> = {
  createdAt: { kinds: KINDS, type: "DATETIME" },
  creatorId: { kinds: ["CONTENT", "THREAD"], type: "RELATED_ITEM" },
  threadId: { kinds: ["CONTENT"], type: "RELATED_ITEM" },
  parentId: { kinds: ["CONTENT"], type: "RELATED_ITEM" },
  displayName: { kinds: KINDS, type: "STRING" },
  isDeleted: { kinds: KINDS, type: "BOOLEAN" },
  ipAddress: { kinds: KINDS, type: "IP_ADDRESS" },
  profileIcon: { kinds: ["USER"], type: "IMAGE" },
  backgroundImage: { kinds: ["USER"], type: "IMAGE" },
  email: { kinds: ["USER"], type: "EMAIL_ADDRESS" },
};

export interface FieldRow {
  readonly name: string;
  readonly shape: "SCALAR" | "ARRAY" | "MAP";
  readonly scalar: Scalar;
  readonly key: Scalar;
  readonly role: Role | null;
  readonly required: boolean;
  readonly hidden: boolean;
  /** What it was called when the form was begun; null: it is new. */
  readonly was: string | null;
}

export const NEW_FIELD: FieldRow = { name: "", shape: "SCALAR", scalar: "STRING", key: "STRING", role: null, required: false, hidden: false, was: null };

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  kind: z.enum(KINDS),
  fields: z.custom<FieldRow[]>(Array.isArray),
});
export type Values = z.infer<typeof Values>;
export const PATHS = ["name", "description", "kind", "fields", "fieldRoles", "hiddenFields"];

export function valuesOf(type: ItemType | null): Values {
  const roles = Object.entries(type?.fieldRoles ?? {});
  const hidden = type?.hiddenFields ?? [];
  return {
    name: type?.name ?? "",
    description: type?.description ?? "",
    kind: type?.kind ?? "CONTENT",
    fields: (type?.fields ?? []).map(({ name, type: own, container, required }) => ({
      name,
      shape: own === "ARRAY" || own === "MAP" ? own : "SCALAR",
      scalar: container?.valueScalarType ?? (own as Scalar),
      key: container?.keyScalarType ?? "STRING",
      role: (roles.find(([, field]) => field === name)?.[0] as Role | undefined) ?? null,
      required: required ?? false,
      hidden: hidden.includes(name),
      was: name,
    })),
  };
}

export function bodyOf({ name, description, kind, fields }: Values): Schema["ItemTypeBody"] {
  const roles: Partial<Record<Role, string>> = {};
  for (const field of fields) if (field.role !== null && isRoleOf(field.role, kind)) roles[field.role] = field.name;
  return {
    name: name.trim(),
    description,
    kind,
    fields: fields.map((field) => ({
      name: field.name,
      required: field.required,
      type: field.shape === "SCALAR" ? field.scalar : field.shape,
      ...(field.shape === "SCALAR" ? {} : { container: { containerType: field.shape, valueScalarType: field.scalar, keyScalarType: field.shape === "MAP" ? field.key : null } }),
    })),
    fieldRoles: roles,
    hiddenFields: fields.filter((field) => field.hidden).map((field) => field.name),
  };
}

export function isRoleOf(role: Role, kind: Values["kind"]): boolean {
  return ROLES[role].kinds.includes(kind);
}

/** The roles that a field may have: of its type, and no other field's. */
export function rolesFor(values: Values, index: number): Role[] {
  const field = values.fields[index];
  if (!field || field.shape !== "SCALAR") return [];
  const taken = values.fields.flatMap((one, other) => (other !== index && one.role ? [one.role] : []));
  return (Object.keys(ROLES) as Role[]).filter((role) => isRoleOf(role, values.kind) && ROLES[role].type === field.scalar && !taken.includes(role));
}

export function typeName(field: Pick<FieldRow, "shape" | "scalar" | "key">): string {
  const type = say(field.scalar);
  return field.shape === "ARRAY" ? say("listOf", { type }) : field.shape === "MAP" ? say("mapOf", { key: say(field.key), type }) : type;
}

export interface Break {
  readonly level: "severe" | "high" | "done";
  readonly text: string;
  /** Whose readers are affected. */
  readonly field: string | null;
}

/** What a change means to whoever sends, and to rules; the gravest first. */
export function breaksOf(before: Values, after: Values): Break[] {
  const found: Break[] = [];
  const kept = new Map(after.fields.flatMap((field) => (field.was === null ? [] : [[field.was, field] as const])));
  for (const old of before.fields) {
    const now = kept.get(old.name);
    if (!now || now.name !== old.name) found.push({ level: "severe", text: say("breaksGone", { name: old.name }), field: old.name });
    else if (typeName(old) !== typeName(now)) found.push({ level: "severe", text: say("breaksType", { name: old.name, before: typeName(old), after: typeName(now) }), field: old.name });
    if (now && now.name === old.name && now.required && !old.required) found.push({ level: "high", text: say("breaksRequired", { name: old.name }), field: null });
  }
  for (const field of after.fields) {
    if (field.name === "" || (field.was !== null && field.was === field.name)) continue;
    found.push(field.required ? { level: "high", text: say("breaksRequiredNew", { name: field.name }), field: null } : { level: "done", text: say("breaksNew", { name: field.name }), field: null });
  }
  for (const role of Object.keys(ROLES) as Role[]) {
    const [old, now] = [before, after].map(({ fields }) => fields.find((field) => field.role === role));
    if (old && (old.name !== now?.was || now.role !== role)) found.push({ level: "high", text: say("breaksRole", { role: say(role), before: old.name, after: now?.name ?? say("noRole") }), field: null });
  }
  const order = ["severe", "high", "done"];
  return found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** Whether a condition somewhere reads a field of an item type. */
export function reads(tree: unknown, typeId: string, field: string): boolean {
  if (Array.isArray(tree)) return tree.some((one) => reads(one, typeId, field));
  if (typeof tree !== "object" || tree === null) return false;
  const node = tree as Readonly<Record<string, unknown>>;
  if (node.name === field && node.contentTypeId === typeId) return true;
  return Object.values(node).some((one) => reads(one, typeId, field));
}

export function listOf(search: ListSearch) {
  return listQuery("item-types", search, (query, signal) => take(api.GET("/v1/item-types", { params: { query }, signal })));
}

export function read(id: string): Promise<ItemType> {
  return take(api.GET("/v1/item-types/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function itemTypeQuery(id: string) {
  return queryOptions({ queryKey: ["configuration", "item-type", id], queryFn: () => read(id) });
}

export function save(values: Values, base: ItemType | null): Promise<ItemType> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/item-types", { body }));
  return take(api.PUT("/v1/item-types/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

export function remove({ id, revision }: ItemType): Promise<unknown> {
  return take(api.DELETE("/v1/item-types/{document_id}", { params: { path: { document_id: id }, header: ifMatch(revision) } }));
}
