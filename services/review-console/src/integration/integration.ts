/**
 * Accounts with providers as their form has them.
 *
 * Guarantees: a secret is only ever sent; one that was not typed stays as it is stored.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch } from "@/settings/documents";

export type Available = Schema["AvailableView"];
export type Account = Schema["IntegrationView"];
export type Field = Schema["ConfigFieldView"];

export const integrationsQuery = queryOptions({ queryKey: ["configuration", "integrations"], staleTime: 30_000, queryFn: ({ signal }) => take(api.GET("/v1/integrations", { signal })) });
export const integrationQuery = (id: string) => queryOptions({ queryKey: ["configuration", "integration", id], queryFn: () => take(api.GET("/v1/integrations/{document_id}", { params: { path: { document_id: id } } })) });

/** The Hasher-Matcher-Actioner, asked now. */
export const hmaQuery = queryOptions({ queryKey: ["hasher-matcher-actioner"], retry: false, staleTime: 30_000, queryFn: ({ signal }) => take(api.GET("/v1/hasher-matcher-actioner", { signal })) });

/** Everything is text here: a list is its lines, JSON as it is written. */
export const Values = z.object({ enabled: z.boolean(), secrets: z.record(z.string(), z.string()), config: z.record(z.string(), z.string()) });
export type Values = z.infer<typeof Values>;

export function isSecret(field: Field): boolean {
  return field.inputType === "password";
}

function written(value: unknown, field: Field): string {
  if (value === undefined || value === null) return "";
  if (field.inputType === "array") return Array.isArray(value) ? value.map(String).join("\n") : "";
  return field.inputType === "json" ? JSON.stringify(value, null, 2) : String(value);
}

export function valuesOf(account: Account | null, fields: readonly Field[]): Values {
  return {
    enabled: account?.enabled ?? true,
    secrets: Object.fromEntries(fields.filter(isSecret).map((field) => [field.key, ""])),
    config: Object.fromEntries(fields.filter((field) => !isSecret(field)).map((field) => [field.key, written(account?.config?.[field.key], field)])),
  };
}

/** Keys of fields whose text is no JSON. */
export function unreadable(values: Values, fields: readonly Field[]): string[] {
  return fields
    .filter((field) => {
      const text = values.config[field.key]?.trim() ?? "";
      if (field.inputType !== "json" || text === "") return false;
      try {
        JSON.parse(text);
        return false;
      } catch {
        return true;
      }
    })
    .map((field) => field.key);
}

export function bodyOf(values: Values, account: Account | null, fields: readonly Field[]): Schema["IntegrationBody"] {
  const kept = account?.credentialNames ?? [];
  const secrets = fields.filter(isSecret).flatMap((field): [string, string | null][] => {
    const typed = values.secrets[field.key] ?? "";
    if (typed !== "") return [[field.key, typed]];
    return kept.includes(field.key) ? [[field.key, null]] : [];
  });
  const config = fields.flatMap((field): [string, Schema["JsonValue"]][] => {
    if (isSecret(field)) return [];
    const text = values.config[field.key]?.trim() ?? "";
    if (text === "") return [];
    if (field.inputType === "array") return [[field.key, text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean)]];
    return [[field.key, field.inputType === "json" ? (JSON.parse(text) as Schema["JsonValue"]) : text]];
  });
  return { enabled: values.enabled, credential: Object.fromEntries(secrets), config: Object.fromEntries(config) };
}

export function save(id: string, body: Schema["IntegrationBody"], base: Account | null): Promise<Account> {
  return take(api.PUT("/v1/integrations/{document_id}", { params: { path: { document_id: id }, header: base ? ifMatch(base.revision) : {} }, body }));
}
