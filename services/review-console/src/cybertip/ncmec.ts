/**
 * The settings of reporting to NCMEC, as a form has them.
 *
 * Guarantees: what the form does not show (headers) stays as it is; the password is sent only where one
 * was typed; what somebody changed meanwhile is never written over unseen (If-Match).
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";

export type Settings = Schema["NcmecSettingsView"];
type Body = Schema["NcmecSettingsBody"];

export const ncmecQuery = queryOptions({
  queryKey: ["configuration", "ncmec-settings"],
  queryFn: ({ signal }) => take(api.GET("/v1/ncmec-settings", { signal })),
});

/** What reports are checked with, and what NCMEC serves. */
export const schemaQuery = queryOptions({
  queryKey: ["ncmec-schema"],
  queryFn: ({ signal }) => take(api.GET("/v1/ncmec-schema", { signal })),
});

export const DETAILS = ["WEB_PAGE", "EMAIL", "NEWSGROUP", "CHAT_IM", "ONLINE_GAMING", "CELL_PHONE", "NON_INTERNET", "PEER_TO_PEER"] as const;
export const NEEDED = ["username", "password", "companyReportName", "legalUrl", "contactEmail"] as const;
export type Needed = (typeof NEEDED)[number];

const short = z.string().check(z.maxLength(100));

export const Values = z.object({
  enabled: z.boolean(),
  username: z.string().check(z.maxLength(255)),
  password: z.string().check(z.maxLength(255)),
  companyReportName: short,
  legalUrl: z.string().check(z.maxLength(2083)),
  contactEmail: z.string().check(z.maxLength(254)),
  termsOfService: z.string().check(z.maxLength(3000)),
  contactPerson: z.object({ firstName: short, lastName: short, email: z.string().check(z.maxLength(254)), phone: short }),
  moreInfoUrl: z.string().check(z.maxLength(2083)),
  internetDetail: z.nullable(z.enum(DETAILS)),
  additionalInfoEndpoint: z.string().check(z.maxLength(2083)),
  preservationEndpoint: z.string().check(z.maxLength(2083)),
  minimumMedia: z.nullable(z.int().check(z.gte(0), z.lte(1000))),
  productionQueueIds: z.array(z.string()),
});
export type Values = z.infer<typeof Values>;

export function valuesOf(settings: Settings): Values {
  const person = settings.contactPerson;
  return {
    enabled: settings.enabled ?? false,
    username: settings.username ?? "",
    password: "",
    companyReportName: settings.companyReportName ?? "",
    legalUrl: settings.legalUrl ?? "",
    contactEmail: settings.contactEmail ?? "",
    termsOfService: settings.termsOfService ?? "",
    contactPerson: { firstName: person?.firstName ?? "", lastName: person?.lastName ?? "", email: person?.email ?? "", phone: person?.phone ?? "" },
    moreInfoUrl: settings.moreInfoUrl ?? "",
    internetDetail: settings.internetDetail ?? null,
    additionalInfoEndpoint: settings.additionalInfoEndpoint ?? "",
    preservationEndpoint: settings.preservationEndpoint ?? "",
    minimumMedia: settings.minimumMedia ?? null,
    productionQueueIds: settings.productionQueueIds ?? [],
  };
}

/** Null stands for a header that stays as it is. */
function kept(names: readonly string[] | undefined): Record<string, null> | null {
  return names && names.length > 0 ? Object.fromEntries(names.map((name) => [name, null])) : null;
}

export function bodyOf(values: Values, from: Settings): Body {
  const { contactPerson: person } = values;
  const isNamed = Object.values(person).some((one) => one.trim() !== "");
  return {
    ...values,
    // Nothing typed keeps what is stored.
    password: values.password === "" ? null : values.password,
    contactPerson: isNamed ? person : null,
    additionalInfoEndpoint: values.additionalInfoEndpoint.trim() || null,
    preservationEndpoint: values.preservationEndpoint.trim() || null,
    additionalInfoHeaders: kept(from.additionalInfoHeaderNames),
    preservationHeaders: kept(from.preservationHeaderNames),
  };
}

/** What has to be there before reporting can be on, as it is entered now. */
export function missingIn(values: Values, hasPassword: boolean): Needed[] {
  return NEEDED.filter((one) => (one === "password" ? values.password === "" && !hasPassword : values[one].trim() === ""));
}

/** Rejects with 412 where they changed since `from` was read. */
export async function keep(values: Values, from: Settings): Promise<Settings> {
  const changed = await take(api.PUT("/v1/ncmec-settings", { params: { header: { "If-Match": `"${from.revision}"` } }, body: bodyOf(values, from) }));
  queries.setQueryData(ncmecQuery.queryKey, changed);
  // Whether jobs can be reported is said with the session.
  void queries.invalidateQueries({ queryKey: ["session"] });
  return changed;
}
