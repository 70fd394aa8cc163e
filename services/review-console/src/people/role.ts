/** A role as its form has it, and as review-api takes it. A given role has no document until it is changed. */
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch } from "@/settings/documents";
import { sayer } from "@/words/words";

import type { Role } from "./query";
import { words } from "./role-words";

export type Permission = Schema["Permission"];
const say = sayer(words);

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  permissions: z.custom<Permission[]>(Array.isArray),
});
export type Values = z.infer<typeof Values>;

export function valuesOf(role: Role | null): Values {
  return { name: role?.name ?? "", description: role?.description ?? "", permissions: [...(role?.permissions ?? [])].sort() };
}

/** With or without a permission; in one order, so that giving and taking again is no change. */
export function toggled(permissions: readonly Permission[], one: Permission): Permission[] {
  return (permissions.includes(one) ? permissions.filter((other) => other !== one) : [...permissions, one]).sort();
}

export function read(id: string): Promise<Role> {
  return take(api.GET("/v1/roles/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function save(values: Values, base: Role | null): Promise<Role> {
  const body = { ...values, name: values.name.trim() };
  if (base === null) return take(api.POST("/v1/roles", { body }));
  return take(api.PUT("/v1/roles/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

export function remove({ id, revision }: Role): Promise<unknown> {
  return take(api.DELETE("/v1/roles/{document_id}", { params: { path: { document_id: id }, header: ifMatch(revision) } }));
}
