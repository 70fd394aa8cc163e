import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, parentsFor, rowsOf, valuesOf, type Policy } from "./policy";
import { PolicyForm } from "./policy-form";

vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }), useNavigate: () => () => undefined }));

const AT = new Date().toISOString();
const policy = (id: string, parentId: string | null = null, more: Partial<Policy> = {}): Policy => ({ id, name: id, parentId, revision: 1, updatedAt: AT, updatedBy: "u", ...more });
const shown = (rows: ReturnType<typeof rowsOf>) => rows.map(({ policy: one, depth }) => `${"-".repeat(depth)}${one.id}`);
const ALL = [policy("spam"), policy("scams", "spam"), policy("lottery", "scams"), policy("abuse"), policy("lost", "gone")];

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_POLICIES"]);
});

it("the tree is by name, any depth, and one whose parent is gone is not lost", () => {
  expect(shown(rowsOf(ALL, new Set(), ""))).toEqual(["abuse", "lost", "spam", "-scams", "--lottery"]);
  expect(shown(rowsOf(ALL, new Set(["spam"]), ""))).toEqual(["abuse", "lost", "spam"]);
});

it("what is looked for is shown with those above it, also where they are shut", () => {
  expect(shown(rowsOf(ALL, new Set(["spam"]), "LOTT"))).toEqual(["spam", "-scams", "--lottery"]);
});

it("nothing is put below itself, and a circle ends", () => {
  expect(parentsFor(ALL, "spam").map(({ id }) => id)).toEqual(["abuse", "lost"]);
  const circle = [policy("a", "b"), policy("b", "a")];
  expect(parentsFor(circle, "c")).toHaveLength(2);
});

it("an empty number is none, and what was read is sent back as it was", () => {
  const values = valuesOf(policy("p", "spam", { userStrikeCount: 3, reviewWithinMinutes: 2880, policyText: "# No" }));
  expect(bodyOf(values)).toMatchObject({ parentId: "spam", userStrikeCount: 3, reviewWithinMinutes: 2880, policyText: "# No" });
  expect(bodyOf({ ...values, userStrikeCount: "", reviewWithinMinutes: "" })).toMatchObject({ userStrikeCount: 0, reviewWithinMinutes: null });
});

it("guidelines are shown as they are read, and a script in them is text", async () => {
  answering({ "GET /v1/policies/{document_id}": () => policy("p", null, { enforcementGuidelines: "**Look** <script>alert(1)</script>" }) });
  render(<PolicyForm id="p" parent={null} />, { wrapper: Around });
  await screen.findByDisplayValue(/\*\*Look\*\*/);
  await userEvent.click(screen.getAllByLabelText("As it is read").at(-1) as HTMLElement);
  expect(await screen.findByText("Look", { selector: "strong" })).toBeVisible();
  expect(document.querySelector("script")).toBeNull();
});

it("a policy below another one is sent with it, and a refusal stands at its field", async () => {
  const sent: unknown[] = [];
  answering({
    "GET /v1/policies": () => ({ items: [policy("spam")] }),
    "POST /v1/policies": ({ body }) => {
      sent.push((body as Schema["PolicyBody"]).parentId);
      return Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/name", reason: "already taken", code: "taken" }] }));
    },
  });
  render(<PolicyForm id={null} parent="spam" />, { wrapper: Around });
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "Scams" } });
  await userEvent.click(screen.getByRole("button", { name: /Create/ }));
  expect(await screen.findByText("already taken")).toBeVisible();
  await waitFor(() => expect(sent).toEqual(["spam"]));
});
