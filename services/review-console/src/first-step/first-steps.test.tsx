import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { FirstStepsPage } from "./first-steps-page";
import { isReviewedIn } from "./steps";

vi.mock("@tanstack/react-router", () => ({ Link: () => null, useNavigate: () => () => undefined }));

const AT = new Date().toISOString();
const user = { id: "u", name: "User", kind: "USER", fields: [{ name: "name", type: "STRING" }], isDefaultUserType: true, revision: 1 };
const recipe = { id: "r", name: "Recipe", kind: "CONTENT", fields: [{ name: "title", type: "STRING", required: true }, { name: "by", type: "RELATED_ITEM" }], fieldRoles: { creatorId: "by" }, revision: 1 };

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG", "VIEW_MRT", "VIEW_RULES_DASHBOARD"]);
});

it("a new organisation has nothing done, and begins with what it sends", async () => {
  answering({ "GET /v1/item-types": () => ({ items: [user] }), "GET /v1/queues": () => ({ items: [{ id: "d", name: "Default", openToEveryone: false, reviewerIds: [], reviewerRoles: [] }] }) });
  render(<FirstStepsPage />, { wrapper: Around });
  expect(await screen.findByText("0 of 6 done")).toBeVisible();
  expect(screen.getByRole("button", { name: "Make an item type" })).toBeVisible();
});

it("what there is ticks its step; the request is made of the organisation's own type", async () => {
  answering({
    "GET /v1/item-types": () => ({ items: [user, recipe] }),
    "GET /v1/actions": () => ({ items: [{ id: "a", name: "Remove", actionType: "CUSTOM_ACTION" }] }),
    "GET /v1/api-keys": () => ({ items: [{ id: "k", revokedAt: null, lastUsedAt: AT }] }),
  });
  render(<FirstStepsPage />, { wrapper: Around });
  expect(await screen.findByText("3 of 6 done")).toBeVisible();
  const sample = screen.getByRole("region", { name: "curl" });
  expect(sample).toHaveTextContent(/"typeId": "r"/);
  expect(sample).toHaveTextContent(/"by": \{ "id": "user-1", "typeId": "u" \}/);
  expect(screen.getByText("Listening: nothing has come yet")).toBeVisible();
});

it("what came first is told without loading the page again", async () => {
  const came: object[][] = [[], [{ submissionId: "s", item: { id: "recipe-7", typeId: "r" }, time: AT }]];
  answering({
    "GET /v1/item-types": () => ({ items: [user, recipe] }),
    "GET /v1/evaluations": () => ({ items: (came.length > 1 ? came.shift() : came[0]) ?? [] }),
  });
  render(<FirstStepsPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Show how: Send a first item" }));
  expect(await screen.findByText(/recipe-7/)).toBeVisible();
});

it("before there is any rule the item of the sample is what came first", async () => {
  const asked = answering({
    "GET /v1/item-types": () => ({ items: [user, recipe] }),
    "GET /v1/items": ({ params }) => ({ items: params?.query?.id === "content-1" ? [{ id: "content-1", typeId: "another" }, { id: "content-1", typeId: "r", submittedAt: AT }] : [] }),
  });
  render(<FirstStepsPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Show how: Send a first item" }));
  expect(await screen.findByText(/^content-1,/)).toBeVisible();
  expect(screen.getByText("2 of 6 done")).toBeVisible();
  expect(asked.some(({ what }) => what === "GET /v1/items")).toBe(true);
});

it("what one may not see is not done, and everything else is told", async () => {
  const refused = () => Promise.reject(new ApiProblem("permission", 403, {}));
  answering({ "GET /v1/item-types": () => ({ items: [recipe] }), "GET /v1/decision-log": refused, "GET /v1/evaluations": refused, "GET /v1/rules": refused });
  render(<FirstStepsPage />, { wrapper: Around });
  expect(await screen.findByText("1 of 6 done")).toBeVisible();
});

it("a queue is reviewed in once somebody may", () => {
  expect(isReviewedIn({ openToEveryone: false, reviewerIds: [], reviewerRoles: [] })).toBe(false);
  expect(isReviewedIn({ openToEveryone: false, reviewerIds: [], reviewerRoles: ["MODERATOR"] })).toBe(true);
  expect(isReviewedIn({ openToEveryone: true })).toBe(true);
});
