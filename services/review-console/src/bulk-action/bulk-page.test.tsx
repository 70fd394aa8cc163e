import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { BulkPage } from "./bulk-page";
import type { Search } from "./query";

const { navigate, search } = vi.hoisted(() => ({ navigate: vi.fn(), search: { now: {} as object } }));
vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: string }) => <a href="#there">{children}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useSearch: () => search.now }) }));

const AT = "2026-11-30T12:00:00Z";
const bulk = (more: Partial<Schema["BulkActionView"]> = {}): Schema["BulkActionView"] => ({ id: "k1", kind: "ACTION", state: "RUNNING", itemTypeId: "t1", actionIds: ["a1"], policyIds: [], parameters: {}, note: null, total: 3, requested: 1, refused: 1, needsTotal: false, reversalOf: null, createdAt: AT, createdBy: "u", createdByPerson: { id: "u", name: "Leila", initials: "L", active: true }, confirmedBy: null, startedAt: AT, finishedAt: null, ...more });
const preview = (more: object = {}) => ({ ...bulk({ state: "PREVIEW", requested: 0, refused: 0 }), duplicates: 2, inReview: 1, sample: [], ...more });
const type = { id: "t1", name: "Post", kind: "CONTENT", fields: [] };
const world = (more: Parameters<typeof answering>[0]) =>
  answering({
    "GET /v1/item-types": () => ({ items: [type, { ...type, id: "t2", name: "User", kind: "USER" }] }),
    "GET /v1/actions": () => ({ items: [{ id: "a1", name: "Remove", itemTypeIds: ["t1"] }, { id: "a2", name: "Suspend", itemTypeIds: ["t2"] }] }),
    "GET /v1/bulk-actions": () => ({ items: [bulk()], nextCursor: null }),
    "GET /v1/bulk-actions/{bulk_id}": () => bulk(),
    ...more,
  });
const open = (now: Search) => {
  search.now = now;
  return render(<BulkPage />, { wrapper: Around });
};
async function entered() {
  await userEvent.click(await screen.findByLabelText("Type of items", { selector: "input" }));
  await userEvent.click(await screen.findByRole("option", { name: "Post" }));
  await userEvent.click(screen.getByLabelText("Actions", { selector: "input" }));
  expect(screen.queryByRole("option", { name: "Suspend" })).toBeNull();
  await userEvent.click(await screen.findByRole("option", { name: "Remove" }));
  fireEvent.change(screen.getByLabelText("Ids of the items"), { target: { value: "one\ntwo\ntwo\n" } });
}

beforeEach(() => {
  navigate.mockReset();
  signedIn(["MANUALLY_ACTION_CONTENT"]);
});

it("acts on nothing before the number that was seen is said, by typing it where that is asked for", { timeout: 240_000 }, async () => {
  const asked = world({ "POST /v1/bulk-actions": () => preview({ needsTotal: true, total: 2 }), "POST /v1/bulk-actions/{bulk_id}/confirm": () => bulk() });
  open({ new: true });
  await entered();
  await userEvent.click(screen.getByRole("button", { name: "Preview" }));
  expect(await screen.findByText("2 items would be acted on")).toBeVisible();
  expect(screen.getByText(/2 ids stood there more than once/)).toBeVisible();
  expect(asked.find(({ what }) => what === "POST /v1/bulk-actions")?.init.body).toMatchObject({ itemTypeId: "t1", actionIds: ["a1"], csv: "one\ntwo\ntwo\n", note: null });
  const act = screen.getByRole("button", { name: "Act on 2 items" });
  await userEvent.click(act);
  expect(asked.some(({ what }) => what.endsWith("/confirm"))).toBe(false);
  fireEvent.change(screen.getByLabelText("Type 2 to confirm"), { target: { value: "2" } });
  await userEvent.click(act);
  await waitFor(() => expect(navigate).toHaveBeenCalledWith(expect.objectContaining({ search: { id: "k1" } })));
  expect(asked.find(({ what }) => what.endsWith("/confirm"))?.init.body).toEqual({ total: 2 });
});

it("a refusal is said, and what was entered stays", { timeout: 240_000 }, async () => {
  world({ "POST /v1/bulk-actions": () => Promise.reject(new ApiProblem("invalid", 422, { detail: "no such item type" })) });
  open({ new: true });
  await entered();
  await userEvent.click(screen.getByRole("button", { name: "Preview" }));
  expect(await screen.findByRole("alert")).toHaveTextContent(/no such item type/i);
  expect(screen.getByLabelText("Ids of the items")).toHaveValue("one\ntwo\ntwo\n");
});

it("shows how far one is and why items were refused, and holds it", { timeout: 240_000 }, async () => {
  const asked = world({
    "GET /v1/bulk-actions/{bulk_id}/items": () => ({ items: [{ position: 0, itemId: "post-1", itemTypeId: "t1", state: "REFUSED", reason: "the job is being decided", deliveries: [], executionIds: [], reverses: null }], nextCursor: null }),
    "POST /v1/bulk-actions/{bulk_id}/{command}": () => bulk({ state: "PAUSED" }),
  });
  open({ id: "k1", items: "REFUSED" });
  expect(await screen.findByText("the job is being decided")).toBeVisible();
  expect(asked.find(({ what }) => what.endsWith("/items"))?.init.params?.query).toMatchObject({ state: "REFUSED" });
  const part = screen.getByRole("region", { name: "Remove · Post" });
  await userEvent.click(within(part).getByRole("button", { name: "Pause" }));
  expect(await within(part).findByText("paused")).toBeVisible();
  expect(within(part).getByRole("button", { name: "Go on" })).toBeVisible();
});

it("without any it says what a bulk action is", async () => {
  world({ "GET /v1/bulk-actions": () => ({ items: [], nextCursor: null }) });
  open({});
  expect(await screen.findByText("No bulk action so far")).toBeVisible();
});
