import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering, type Init } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, unreadable, valuesOf, type Account, type Available, type Field } from "./integration";
import { IntegrationPage } from "./integration-page";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => vi.fn(), getRouteApi: () => ({ useParams: () => ({ integrationId: "ZENTROPI" }) }) }));

const AT = new Date().toISOString();
const field = (key: string, inputType: string, required = false): Field => ({ key, inputType, required, label: key, description: "" });
const FIELDS = [field("apiKey", "password", true), field("versions", "json"), field("domains", "array"), field("region", "text")];
const account = (more: Partial<Account> = {}): Account => ({ id: "ZENTROPI", revision: 2, updatedAt: AT, updatedBy: "u", enabled: true, credentialNames: ["apiKey"], config: { versions: [{ id: "1" }], domains: ["a.example", "b.example"], region: "eu" }, ...more });
const CARD = { trainingData: "t", policyAndTaxonomy: "p", annotationMethodology: "a", performanceBenchmarks: "b", biasAndLimitations: "l", implementationGuidance: "g", relevantLinks: ["https://docs.example/", "javascript:alert(1)"] };
const available = (one: Account | null): Available => ({ id: "ZENTROPI", account: one, manifest: { id: "ZENTROPI", name: "Zentropi", version: "1", docsUrl: "", requiresConfig: true, configFields: FIELDS, signals: ["ZENTROPI_LABELER"], modelCard: CARD } });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("a secret that was not typed stays, one that was is sent, and one that never was is left out", () => {
  const values = valuesOf(account(), FIELDS);
  expect(values.secrets).toEqual({ apiKey: "" });
  expect(bodyOf(values, account(), FIELDS).credential).toEqual({ apiKey: null });
  expect(bodyOf({ ...values, secrets: { apiKey: "new" } }, account(), FIELDS).credential).toEqual({ apiKey: "new" });
  expect(bodyOf(values, null, FIELDS).credential).toEqual({});
});

it("what is no secret comes back as it was, of every kind", () => {
  expect(bodyOf(valuesOf(account(), FIELDS), account(), FIELDS).config).toEqual(account().config);
  const values = valuesOf(account(), FIELDS);
  expect(unreadable({ ...values, config: { ...values.config, versions: "[{" } }, FIELDS)).toEqual(["versions"]);
});

it("credentials are tried only once they are stored, and the verdict is in words", async () => {
  let now: Account | null = null;
  const asked = answering({
    "GET /v1/integrations/{document_id}": () => available(now),
    "PUT /v1/integrations/{document_id}": ({ body }: Init) => {
      expect(body).toMatchObject({ enabled: true, credential: { apiKey: "sk-secret" } });
      now = account({ config: {} });
      return now;
    },
    "POST /v1/integrations/{document_id}/trial": () => ({ verdict: "REFUSED", reason: "401" }),
  });
  const user = userEvent.setup();
  render(<IntegrationPage />, { wrapper: Around });
  expect(await screen.findByText("There is no account to try yet")).toBeVisible();
  await user.type(screen.getByLabelText(/^apiKey, needed/, { selector: "input" }), "sk-secret");
  await user.click(screen.getByRole("button", { name: /^Create/ }));
  await waitFor(() => expect(screen.getByRole("button", { name: /^Try the credentials/ })).not.toHaveAttribute("aria-disabled", "true"));
  expect(screen.getByLabelText(/^apiKey, needed/, { selector: "input" })).toHaveValue("");
  await user.click(screen.getByRole("button", { name: /^Try the credentials/ }));
  expect(await screen.findByText("The provider refused them")).toBeVisible();
  expect(asked.filter(({ what }) => what.endsWith("/trial"))).toHaveLength(1);
});

it("a model card's links are those that are addresses", async () => {
  answering({ "GET /v1/integrations/{document_id}": () => available(account()) });
  render(<IntegrationPage />, { wrapper: Around });
  expect(await screen.findByRole("link", { name: "https://docs.example/" })).toHaveAttribute("href", "https://docs.example/");
  expect(screen.queryByText("javascript:alert(1)")).toBeNull();
});
