import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { AuditPage } from "./audit-page";
import { momentsOf, Search } from "./query";

const { navigate, search } = vi.hoisted(() => ({ navigate: vi.fn(), search: { current: {} as Record<string, string> } }));
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useNavigate: () => navigate, getRouteApi: () => ({ useSearch: () => search.current }) }));

const AT = new Date().toISOString();
const entry = (sequence: number, more: object = {}) => ({ sequence, time: AT, actor: "u", actorPerson: { id: "u", name: "Leila Haddad" }, action: "audit-log.read", targetKind: "action", targetId: "a1", detail: {}, hash: "f00d", ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockClear();
  search.current = {};
  signedIn(["MANAGE_ORG"]);
});

it("asks the server for what the address says, days from their beginning to their end", async () => {
  search.current = { who: "u", kind: "action", since: "2026-01-10", until: "2026-01-11" };
  const asked = answering({ "GET /v1/audit-log": () => ({ items: [entry(2)] }) });
  render(<AuditPage />, { wrapper: Around });
  expect(await screen.findByText("Leila Haddad")).toBeVisible();
  const query = asked.find(({ what }) => what === "GET /v1/audit-log")?.init.params?.query;
  expect(query).toMatchObject({ actor: "u", targetKind: "action" });
  expect(Date.parse(query?.until as string) - Date.parse(query?.since as string)).toBe(2 * 86_400_000);
});

it("what was recorded is shown as text, with its place in the chain", async () => {
  answering({ "GET /v1/audit-log": () => ({ items: [entry(7, { detail: { name: "<b>x</b>" } })] }) });
  render(<AuditPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "What was recorded" }));
  expect(screen.getByRole("region", { name: "What was recorded" })).toHaveTextContent('"name": "<b>x</b>"');
  expect(screen.getByText(/Entry 7 of the chain/)).toBeVisible();
});

it("nothing that fits leads back to everything", async () => {
  search.current = { kind: "nothing" };
  answering({});
  render(<AuditPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Show everything" }));
  expect(navigate).toHaveBeenCalledWith(expect.objectContaining({ search: { who: undefined, action: undefined, kind: undefined, id: undefined, since: undefined, until: undefined } }));
});

it("a broken address is the whole log", () => {
  expect(Search.parse({ since: "soon", who: "" })).toEqual({ since: undefined, who: undefined });
  expect(momentsOf({ since: undefined, until: undefined })).toEqual({});
});
