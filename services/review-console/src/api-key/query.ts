/** Keys of the platform, and keys that webhooks are signed with. */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { whole } from "@/configuration/query";

export type ApiKey = Schema["ApiKeyView"];
export type WebhookKey = Schema["WebhookKeyView"];

export const SCOPES = ["items:write", "items:read", "reports:write", "appeals:write", "actions:write", "policies:read"] as const satisfies readonly Schema["ApiScope"][];

export const apiKeysQuery = queryOptions({
  queryKey: ["configuration", "api-keys"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/api-keys", { params: { query }, signal }))),
});

export const webhookKeysQuery = queryOptions({
  queryKey: ["configuration", "webhook-keys"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/webhook-keys", { params: { query }, signal }))),
});

/** Whether it is refused now. */
export function isEnded(key: ApiKey, now: number): boolean {
  return key.revokedAt !== null || (key.expiresAt !== null && Date.parse(key.expiresAt) <= now);
}
