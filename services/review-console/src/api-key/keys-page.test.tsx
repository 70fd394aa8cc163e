import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { KeysPage } from "./keys-page";
import { verifyIn, type Scheme } from "./verify";

vi.mock("@tanstack/react-router", () => ({ Link: () => null }));

const AT = new Date(Date.now() - 86_400_000).toISOString();
const key = (id: string, more: Partial<Schema["ApiKeyView"]> = {}): Schema["ApiKeyView"] => ({ id, name: id, description: "", scopes: [], createdAt: AT, createdBy: "u", expiresAt: null, lastUsedAt: AT, replacedBy: null, revokedAt: null, revision: 1, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("a new key is shown once, with what it may, and is not to be closed by a slip", async () => {
  const sent: unknown[] = [];
  const asked = answering({
    "GET /v1/api-keys": () => ({ items: [key("old")] }),
    "POST /v1/api-keys": ({ body }) => {
      sent.push(body);
      return { ...key("items"), key: "abc123" };
    },
  });
  render(<KeysPage />, { wrapper: Around });
  await screen.findByText("old");
  await userEvent.click(screen.getByRole("button", { name: /New key/ }));
  const dialog = await screen.findByRole("dialog");
  fireEvent.change(within(dialog).getByLabelText("Name"), { target: { value: "items" } });
  await userEvent.click(within(dialog).getByLabelText("send items"));
  await userEvent.click(within(dialog).getByRole("button", { name: "Make the key" }));
  expect(await screen.findByText("abc123")).toBeVisible();
  await userEvent.keyboard("{Escape}");
  expect(screen.getByText("abc123")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "I have copied it" }));
  await waitFor(() => expect(screen.queryByText("abc123")).toBeNull());
  expect(sent).toEqual([{ name: "items", description: "", scopes: ["items:write"], expiresAt: null }]);
  expect(asked.filter(({ what }) => what.startsWith("POST"))).toHaveLength(1);
});

it("a key is replaced with an overlap, and revoked only after what it is used for was said", async () => {
  const sent: unknown[] = [];
  answering({
    "GET /v1/api-keys": () => ({ items: [key("live"), key("gone", { revokedAt: AT })] }),
    "POST /v1/api-keys/{key_id}/rotate": ({ body }) => {
      sent.push(body);
      return { ...key("next"), key: "n3w" };
    },
    "POST /v1/api-keys/{key_id}/revoke": ({ params }) => {
      sent.push(params?.path);
      return key("live", { revokedAt: AT });
    },
  });
  render(<KeysPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Rotate… live" }));
  await userEvent.click(await screen.findByRole("button", { name: "Make the new key" }));
  expect(await screen.findByText("n3w")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "I have copied it" }));
  expect(screen.queryByText("gone")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Show one that ended" }));
  expect(screen.getByText("gone")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Revoke… live" }));
  expect(await screen.findByText(/something sends with it/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Revoke now" }));
  await waitFor(() => expect(sent).toEqual([{ overlapHours: 24 }, { key_id: "live" }]));
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verify-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the sample of a language says of a request. */
async function verdict(scheme: Scheme, language: "python" | "javascript", headers: Record<string, string>, body: string, known: string): Promise<boolean> {
  const file = join(folder, `${scheme}-${language}.${language === "python" ? "py" : "mjs"}`);
  const told = JSON.stringify(JSON.stringify({ headers, body, known }));
  if (language === "python") {
    writeFileSync(file, `${verifyIn(scheme, language)}\nimport json\ngiven = json.loads(${told})\nprint(is_from_coop(given["headers"], given["body"].encode(), given["known"]))\n`);
    return execFileSync("python3", [file], { encoding: "utf8" }).trim() === "True";
  }
  writeFileSync(file, `${verifyIn(scheme, language)}\nconst given = JSON.parse(${told});\nconsole.log(isFromCoop(given.headers, Buffer.from(given.body), given.known));\n`);
  return execFileSync(process.execPath, [pathToFileURL(file).pathname], { encoding: "utf8" }).trim() === "true";
}

it.each(["python", "javascript"] as const)("the sample in %s tells a signed webhook from a forged, an altered and an old one", async (language) => {
  const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
  const body = '{"id":"ü"}';
  const signed = (at: number, by = secret) => {
    const mac = createHmac("sha256", Buffer.from(by.slice(6), "base64")).update(`m1.${at}.${body}`).digest("base64");
    return { "webhook-id": "m1", "webhook-timestamp": String(at), "webhook-signature": `v1,AAAA v1,${mac}` };
  };
  const now = Math.floor(Date.now() / 1000);
  const other = `whsec_${Buffer.from("another secret that is long enough").toString("base64")}`;
  expect(await verdict("STANDARD_WEBHOOKS", language, signed(now), body, secret)).toBe(true);
  expect(await verdict("STANDARD_WEBHOOKS", language, signed(now, other), body, secret)).toBe(false);
  expect(await verdict("STANDARD_WEBHOOKS", language, signed(now), `${body} `, secret)).toBe(false);
  expect(await verdict("STANDARD_WEBHOOKS", language, signed(now - 3600), body, secret)).toBe(false);
}, 60_000);

it("so does the sample for RSA", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "pkcs8", format: "pem" } });
  const body = '{"a":1}';
  const headers = { "coop-signature": createSign("RSA-SHA256").update(body).sign(privateKey, "base64") };
  expect(await verdict("RSA_SHA256", "javascript", headers, body, publicKey)).toBe(true);
  expect(await verdict("RSA_SHA256", "javascript", headers, `${body} `, publicKey)).toBe(false);
}, 60_000);
