import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, ME, signedIn } from "@/testing/page";

import { toggled } from "./role";
import { RolesPage } from "./roles-page";
import { UserPane } from "./user-pane";
import { UsersPage } from "./users-page";

const { navigate, search } = vi.hoisted(() => ({ navigate: vi.fn(), search: { current: {} as Record<string, string> } }));
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useSearch: () => search.current }) }));

const AT = new Date().toISOString();
const person = (id: string, more: Partial<Schema["UserView"]> = {}): Schema["UserView"] => ({ id, name: `Person ${id}`, email: `${id}@example.test`, role: "MODERATOR", status: "ACTIVE", createdAt: AT, createdBy: null, hasPassword: true, hasSecondFactor: false, isBreakGlass: false, lastLoginAt: AT, ...more });
const role = (id: string, permissions: Schema["Permission"][], more: object = {}) => ({ id, name: id.toLowerCase(), description: "", permissions, isDefault: true, usesDefaultPermissions: true, revision: 0, updatedAt: AT, updatedBy: "", userCount: 2, ...more });
const groups = [{ name: "Review", permissions: [{ permission: "VIEW_MRT", label: "Work in queues", description: "" }, { permission: "VIEW_MRT_DATA", label: "See figures", description: "" }] }];

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockClear();
  search.current = {};
  signedIn(["MANAGE_USERS", "MANAGE_ROLES", "VIEW_MRT"]);
});

it("the list asks for what the address says, and whoever waits is told of", async () => {
  search.current = { q: "am", role: "ADMIN", status: "ACTIVE" };
  const asked = answering({
    "GET /v1/users": ({ params }) => ({ items: params?.query?.status === "PENDING" ? [person("p")] : [person("a")] }),
    "GET /v1/roles": () => ({ items: [role("ADMIN", [])] }),
  });
  render(<UsersPage />, { wrapper: Around });
  expect(await screen.findByText("Person a")).toBeVisible();
  expect(await screen.findByText("1 person waits for approval")).toBeVisible();
  expect(asked.some(({ what, init }) => what === "GET /v1/users" && init.params?.query?.search === "am" && init.params.query.role === "ADMIN")).toBe(true);
  await userEvent.click(screen.getByRole("button", { name: "Show them" }));
  expect(navigate).toHaveBeenCalledWith(expect.objectContaining({ search: expect.objectContaining({ status: "PENDING" }) as unknown }));
});

it("an invitation without a mail server shows its link once; one that is refused says so at its field", async () => {
  const answers = [() => Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/email", reason: "has an account already", code: "invalid" }] })), () => ({ id: "i", email: "new@example.test", role: "MODERATOR", link: "https://coop.example/signup#tok", mailed: false, expiresAt: AT, sentAt: AT, createdAt: AT, state: "OPEN" })];
  answering({ "GET /v1/users": () => ({ items: [person("a")] }), "GET /v1/roles": () => ({ items: [role("MODERATOR", [])] }), "POST /v1/invitations": () => answers.shift()?.() });
  render(<UsersPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: /^Invite/ }));
  const dialog = await screen.findByRole("dialog");
  fireEvent.change(within(dialog).getByLabelText("E-mail"), { target: { value: "new@example.test" } });
  await userEvent.click(within(dialog).getByRole("button", { name: "Invite" }));
  expect(await within(dialog).findByText("It needs a role")).toBeVisible();
  await userEvent.click(within(dialog).getByRole("combobox", { name: "Role" }));
  await userEvent.click(await screen.findByRole("option", { name: "moderator" }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Invite" }));
  expect(await screen.findByText("has an account already")).toBeVisible();
  await userEvent.click(within(dialog).getByRole("button", { name: "Invite" }));
  expect(await screen.findByText("https://coop.example/signup#tok")).toBeVisible();
});

it("whoever waits can be let in, or turned away; nobody changes their own account here", async () => {
  const asked = answering({ "GET /v1/users/{user_id}": ({ params }) => person(params?.path?.user_id ?? "", { status: params?.path?.user_id === ME ? "ACTIVE" : "PENDING" }), "GET /v1/users/{user_id}/queues": () => ({ queueIds: [] }), "POST /v1/users/{user_id}/approve": () => person("p") });
  const { unmount } = render(<UserPane id="p" close={() => undefined} />, { wrapper: Around });
  expect(await screen.findByRole("button", { name: "Reject" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Approve" }));
  await waitFor(() => expect(asked.map(({ what }) => what)).toContain("POST /v1/users/{user_id}/approve"));
  unmount();
  render(<UserPane id={ME} close={() => undefined} />, { wrapper: Around });
  expect(await screen.findByText(/your own account/)).toBeVisible();
  expect(screen.queryByRole("button", { name: /Disable|Remove|Reset link/ })).toBeNull();
});

it("disabling is asked about, and does nothing when it is not confirmed", async () => {
  const asked = answering({ "GET /v1/users/{user_id}": () => person("d"), "GET /v1/users/{user_id}/queues": () => ({ queueIds: [] }), "POST /v1/users/{user_id}/disable": () => person("d", { status: "DISABLED" }) });
  render(<UserPane id="d" close={() => undefined} />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Disable…" }));
  expect(await screen.findByText(/signed out at once/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(asked.some(({ what }) => what.startsWith("POST"))).toBe(false);
  await userEvent.click(screen.getByRole("button", { name: "Disable…" }));
  await userEvent.click(await screen.findByRole("button", { name: "Disable" }));
  await waitFor(() => expect(asked.some(({ what }) => what === "POST /v1/users/{user_id}/disable")).toBe(true));
});

it("giving and taking again is no change", () => {
  expect(toggled(toggled(["VIEW_MRT"], "MANAGE_ORG"), "MANAGE_ORG")).toEqual(["VIEW_MRT"]);
});

it("one column is changed: what is given is told, and sent over the revision that was read", async () => {
  search.current = { role: "MODERATOR" };
  const sent: unknown[] = [];
  answering({
    "GET /v1/roles": () => ({ items: [role("ADMIN", ["VIEW_MRT", "VIEW_MRT_DATA"]), role("MODERATOR", ["VIEW_MRT"])] }),
    "GET /v1/permission-matrix": () => ({ groups, roles: [{ id: "ADMIN", name: "admin", userCount: 1, permissions: ["VIEW_MRT", "VIEW_MRT_DATA"] }, { id: "MODERATOR", name: "moderator", userCount: 2, permissions: ["VIEW_MRT"] }] }),
    "PUT /v1/roles/{document_id}": ({ params, body }) => {
      sent.push([params?.header?.["If-Match"], (body as Schema["RoleBody"]).permissions]);
      return role("MODERATOR", (body as Schema["RoleBody"]).permissions, { revision: 7 });
    },
  });
  render(<RolesPage />, { wrapper: Around });
  const box = await screen.findByRole("checkbox", { name: "See figures for moderator" });
  expect(screen.getAllByRole("checkbox")).toHaveLength(2);
  screen.getByRole("checkbox", { name: "Work in queues for moderator" }).focus();
  await userEvent.keyboard("{ArrowDown} ");
  expect(box).toBeChecked();
  expect(screen.getByText("See figures", { selector: "ins" })).toBeVisible();
  expect(screen.getByText(/It acts for 2 people/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  await waitFor(() => expect(sent).toEqual([['"0"', ["VIEW_MRT", "VIEW_MRT_DATA"]]]));
});
