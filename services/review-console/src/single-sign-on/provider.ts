/**
 * An identity provider as its form has it.
 *
 *     SAML: metadata pasted, or by its address, or as it was read before
 *     OIDC: issuer, client id, a secret that is only ever sent
 *
 * Guarantees: metadata that is neither pasted nor fetched anew leaves entity, address and certificates
 * as they are.
 */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch, listQuery, type ListSearch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./words";

export type Provider = Schema["IdentityProviderView"];
export type Metadata = Schema["MetadataView"];
export type Certificate = Schema["CertificateView"];
const say = sayer(words);

export const SOURCES = ["xml", "url", "kept"] as const;

export const Values = z
  .object({
    scheme: z.enum(["SAML", "OIDC"]),
    name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
    enabled: z.boolean(),
    source: z.enum(SOURCES),
    metadataXml: z.string(),
    metadataUrl: z.string(),
    issuer: z.string(),
    clientId: z.string(),
    clientSecret: z.string(),
    emailAttribute: z.string(),
  })
  .check(
    z.refine((it) => it.scheme !== "SAML" || it.source !== "xml" || it.metadataXml.trim() !== "", { path: ["metadataXml"], error: () => say("metadataNeeded") }),
    z.refine((it) => it.scheme !== "SAML" || it.source !== "url" || it.metadataUrl.trim() !== "", { path: ["metadataUrl"], error: () => say("metadataNeeded") }),
    z.refine((it) => it.scheme !== "OIDC" || it.issuer.trim() !== "", { path: ["issuer"], error: () => say("issuerNeeded") }),
    z.refine((it) => it.scheme !== "OIDC" || it.clientId.trim() !== "", { path: ["clientId"], error: () => say("clientIdNeeded") }),
  );
export type Values = z.infer<typeof Values>;

export function valuesOf(provider: Provider | null): Values {
  return {
    scheme: provider?.scheme ?? "SAML",
    name: provider?.name ?? "",
    enabled: provider?.enabled ?? true,
    source: provider ? "kept" : "xml",
    metadataXml: "",
    metadataUrl: provider?.metadataUrl ?? "",
    issuer: provider?.issuer ?? "",
    clientId: provider?.clientId ?? "",
    clientSecret: "",
    emailAttribute: provider?.emailAttribute ?? "",
  };
}

export function bodyOf(values: Values, base: Provider | null): Schema["IdentityProviderBody"] {
  const { scheme, enabled, source } = values;
  const shared = { scheme, enabled, name: values.name.trim(), emailAttribute: values.emailAttribute.trim() || null };
  if (scheme === "OIDC") return { ...shared, issuer: values.issuer.trim(), clientId: values.clientId.trim(), ...(values.clientSecret === "" ? {} : { clientSecret: values.clientSecret }) };
  if (source === "xml") return { ...shared, metadataXml: values.metadataXml.trim() };
  if (source === "url") return { ...shared, metadataUrl: values.metadataUrl.trim() };
  return { ...shared, entityId: base?.entityId ?? null, ssoUrl: base?.ssoUrl ?? null, certificates: (base?.certificates ?? []).map((one) => one.pem) };
}

export const providersOf = (search: ListSearch) => listQuery("identity-providers", search, (query, signal) => take(api.GET("/v1/identity-providers", { params: { query }, signal })));

export function read(id: string): Promise<Provider> {
  return take(api.GET("/v1/identity-providers/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export const providerQuery = (id: string) => queryOptions({ queryKey: ["configuration", "identity-provider", id], queryFn: () => read(id) });

export function save(values: Values, base: Provider | null): Promise<Provider> {
  const body = bodyOf(values, base);
  if (base === null) return take(api.POST("/v1/identity-providers", { body }));
  return take(api.PUT("/v1/identity-providers/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

/** What was tried by a provider, the newest first: who came in, and why others did not. */
export const triesQuery = (id: string) =>
  queryOptions({
    queryKey: ["audit", "sign-ins", id],
    queryFn: ({ signal }) => take(api.GET("/v1/audit-log", { params: { query: { targetKind: "identity-provider", targetId: id, limit: 20 } }, signal })),
    // Another window is where it happens. Ten minutes of it: whoever has gone away is not kept signed in.
    refetchInterval: ({ state }) => (state.dataUpdateCount < 200 ? 3000 : false),
    refetchOnWindowFocus: "always",
  });

const DAY_MS = 86_400_000;

/** Whether a certificate has ended, or will soon. */
export function ending(certificate: Pick<Certificate, "notAfter">, now: number): "expired" | "soon" | null {
  const left = Date.parse(certificate.notAfter) - now;
  return left <= 0 ? "expired" : left < 30 * DAY_MS ? "soon" : null;
}
