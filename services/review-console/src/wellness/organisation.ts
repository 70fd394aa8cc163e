/**
 * What the organisation chose for everybody: a part of its settings, which are one document.
 *
 * Guarantees: nothing else of the settings is changed, and headers that hold secrets stay as they are;
 * what somebody changed meanwhile is never written over unseen (If-Match).
 */
import { queryOptions } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

import type { Choice } from "./wellness";

type Settings = Schema["SettingsView"];

export const settingsQuery = queryOptions({
  queryKey: ["configuration", "settings"],
  queryFn: ({ signal }) => take(api.GET("/v1/settings", { signal })),
});

/** Null stands for a header that stays as it is. */
function kept(names: readonly string[] | undefined): Record<string, null> | null {
  return names && names.length > 0 ? Object.fromEntries(names.map((name) => [name, null])) : null;
}

/** What is told of the document, and is not part of it. */
const TOLD = ["id", "revision", "createdAt", "createdBy", "createdByPerson", "updatedAt", "updatedBy", "updatedByPerson", "usedBy", "usedByCount", "isDemoOrg", "appealCallbackHeaderNames", "ignoreCallbackHeaderNames", "partialItemsHeaderNames"] as const satisfies readonly (keyof Settings)[];

/** The settings as they are sent, with another choice of wellness. */
export function settingsWith(settings: Settings, defaultWellness: Choice): Schema["SettingsBody"] {
  const body = Object.fromEntries(Object.entries(settings).filter(([name]) => !TOLD.some((one) => one === name)));
  return {
    // What the API gave is JSON already.
    ...(body as Pick<Schema["SettingsBody"], "name">),
    appealCallbackHeaders: kept(settings.appealCallbackHeaderNames),
    ignoreCallbackHeaders: kept(settings.ignoreCallbackHeaderNames),
    partialItemsHeaders: kept(settings.partialItemsHeaderNames),
    defaultWellness,
  };
}

/** Rejects with 412 where the settings changed since `settings` were read. */
export async function keepForAll(settings: Settings, choice: Choice): Promise<void> {
  const changed = await take(api.PUT("/v1/settings", { params: { header: { "If-Match": `"${settings.revision}"` } }, body: settingsWith(settings, choice) }));
  queries.setQueryData(settingsQuery.queryKey, changed);
  // What holds for me may be what was chosen.
  void queries.invalidateQueries({ queryKey: ["session"] });
}
