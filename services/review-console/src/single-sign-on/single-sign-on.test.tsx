import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, ending, Values, valuesOf, type Provider } from "./provider";
import { ProviderPage } from "./provider-page";

const { at } = vi.hoisted(() => ({ at: { id: "p" } }));
vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => vi.fn(), getRouteApi: () => ({ useParams: () => ({ providerId: at.id }) }) }));

const AT = new Date().toISOString();
const DAY = 86_400_000;
const CERTIFICATE = { subject: "CN=okta", fingerprint: "aa:bb", pem: "-----BEGIN-----", notBefore: AT, notAfter: new Date(Date.now() + 400 * DAY).toISOString() };
const provider = (more: Partial<Provider> = {}): Provider => ({ id: "p", name: "Okta", scheme: "SAML", enabled: true, entityId: "http://okta/e", ssoUrl: "https://okta/sso", certificates: [CERTIFICATE], hasClientSecret: false, revision: 4, updatedAt: AT, updatedBy: "u", serviceProvider: { acsUrl: "https://coop/acs", entityId: "https://coop/metadata", redirectUri: "https://coop/callback", signInUrl: "https://coop/start" }, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  at.id = "p";
  signedIn(["MANAGE_ORG"]);
});

it("metadata that is not given anew leaves what was read as it is", () => {
  const values = valuesOf(provider());
  expect(bodyOf(values, provider())).toMatchObject({ entityId: "http://okta/e", ssoUrl: "https://okta/sso", certificates: ["-----BEGIN-----"] });
  expect(bodyOf({ ...values, source: "xml", metadataXml: " <a/> " }, provider())).toEqual({ scheme: "SAML", enabled: true, name: "Okta", emailAttribute: null, metadataXml: "<a/>" });
});

it("a client's secret is sent only when it was typed", () => {
  const oidc = provider({ scheme: "OIDC", issuer: "https://i", clientId: "c", hasClientSecret: true });
  expect("clientSecret" in bodyOf(valuesOf(oidc), oidc)).toBe(false);
  expect(bodyOf({ ...valuesOf(oidc), clientSecret: "s" }, oidc)).toMatchObject({ clientSecret: "s" });
});

it("what each scheme needs is asked of it alone", () => {
  const wrong = (values: Values) => (Values.safeParse(values).error?.issues ?? []).map(({ path }) => path.join("."));
  const empty = valuesOf(null);
  expect(wrong({ ...empty, name: "x" })).toEqual(["metadataXml"]);
  expect(wrong({ ...empty, name: "x", source: "url" })).toEqual(["metadataUrl"]);
  expect(wrong({ ...empty, name: "x", scheme: "OIDC" })).toEqual(["issuer", "clientId"]);
});

it("a certificate that has ended, or will soon, is told", () => {
  const now = Date.now();
  const after = (days: number) => ending({ notAfter: new Date(now + days * DAY).toISOString() }, now);
  expect([after(-1), after(10), after(31)]).toEqual(["expired", "soon", null]);
});

it("pasted metadata is looked at before it is saved", async () => {
  at.id = "new";
  const asked = answering({ "POST /v1/identity-provider-metadata": () => ({ entityId: "http://okta/new", ssoUrl: "https://okta/new", certificates: [CERTIFICATE] }) });
  render(<ProviderPage />, { wrapper: Around });
  const user = userEvent.setup();
  fireEvent.change(await screen.findByLabelText("Metadata, as XML"), { target: { value: "<EntityDescriptor/>" } });
  await user.click(screen.getByRole("button", { name: "Look at it" }));
  expect(await screen.findByText("http://okta/new")).toBeVisible();
  expect(screen.getByText("SHA-256 aa:bb")).toBeVisible();
  expect(asked.find(({ what }) => what.startsWith("POST"))?.init.body).toEqual({ metadataXml: "<EntityDescriptor/>" });
});

it("what is entered at the provider stands there to be copied, and what was tried with what to do", async () => {
  const entry = (sequence: number, action: string, detail: object) => ({ sequence, action, detail, actor: "u", actorPerson: action === "session.created" ? { id: "u", name: "Mina" } : null, hash: "h", targetId: "p", targetKind: "identity-provider", time: AT });
  answering({
    "GET /v1/identity-providers/{document_id}": () => provider(),
    "GET /v1/audit-log": ({ params }) => {
      expect(params?.query).toMatchObject({ targetKind: "identity-provider", targetId: "p" });
      return { items: [entry(3, "session.created", {}), entry(2, "session.refused", { reason: "audience" }), entry(1, "identity-provider.created", {})] };
    },
  });
  render(<ProviderPage />, { wrapper: Around });
  expect(await screen.findByRole("button", { name: /https:\/\/coop\/acs/ })).toBeVisible();
  expect(await screen.findByText("Mina came in")).toBeVisible();
  expect(screen.getByText(/The audience at the provider is not the one above/)).toBeVisible();
  expect(screen.getAllByText(/came in|^Refused$/)).toHaveLength(2);
});

it("a provider that is off is not tried", async () => {
  answering({ "GET /v1/identity-providers/{document_id}": () => provider({ enabled: false }) });
  render(<ProviderPage />, { wrapper: Around });
  expect(await screen.findByText("Switch the provider on and save first")).toBeVisible();
  await waitFor(() => expect(screen.queryByRole("link", { name: "Open the sign-in" })).toBeNull());
});
