import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { BEGINS, bodyOf, kindOf, valuesOf, type Queue } from "./form";
import { QueueFormPage } from "./form-page";

const { navigate } = vi.hoisted(() => ({ navigate: vi.fn() }));
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useParams: () => ({ queueId: "q" }) }) }));

const AT = new Date().toISOString();
const queue = (more: Partial<Queue> = {}): Queue => ({ id: "q", name: "Spam", revision: 4, updatedAt: AT, updatedBy: "u", openToEveryone: true, secondReviewShare: 0.07, goldenShare: 0.1, targetMinutes: 60, usedBy: [], usedByCount: 0, ...more });
const contents = (more: Partial<Schema["QueueContentsView"]> = {}): Schema["QueueContentsView"] => ({ queueId: "q", pending: 3, leased: 1, closable: 2, childSafety: null, byKind: {}, usedBy: [], asOf: AT, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockClear();
  signedIn(["EDIT_MRT_QUEUES", "VIEW_MRT"]);
});

it("shares are per cent here and parts there, to the last digit", () => {
  expect(valuesOf(queue())).toMatchObject({ secondReviewShare: 7, goldenShare: 10 });
  for (const share of [0, 0.07, 0.29, 0.1234, 1]) expect(bodyOf(valuesOf(queue({ secondReviewShare: share }))).secondReviewShare).toBeCloseTo(share, 10);
});

it("an empty clock is none, and triggers without anything to do are none", () => {
  const values = { ...valuesOf(queue()), targetMinutes: "" as const, clearReportsTriggerActionIds: ["a"], clearReportsDisposition: null };
  expect(bodyOf(values)).toMatchObject({ targetMinutes: null, clearReportsTriggerActionIds: [] });
  expect(bodyOf({ ...values, clearReportsDisposition: "IGNORE" })).toMatchObject({ clearReportsTriggerActionIds: ["a"] });
});

it("a queue for take-down notices has a clock of 48 hours, and is what its fields say", () => {
  const notices = { ...valuesOf(null), ...BEGINS.NOTICES };
  expect(bodyOf(notices)).toMatchObject({ targetMinutes: 2880, order: "EARLIEST_DEADLINE", isAppealsQueue: false });
  expect([kindOf(notices), kindOf(valuesOf(null)), kindOf({ ...notices, targetMinutes: 60 })]).toEqual(["NOTICES", "ORDINARY", null]);
});

it("a queue that nobody could work in says so, and a fault within a list stands at it", async () => {
  answering({
    "GET /v1/queues/{document_id}": () => queue({ openToEveryone: false }),
    "GET /v1/queues/{queue_id}/contents": () => contents(),
    "PUT /v1/queues/{document_id}": () => Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/reviewerRoles/0", reason: "no such role", code: "unknown" }, { pointer: "/weights", reason: "needs a weight above 0", code: "invalid" }] })),
  });
  render(<QueueFormPage />, { wrapper: Around });
  expect(await screen.findByText(/Nobody but those who edit queues/)).toBeVisible();
  fireEvent.change(screen.getByLabelText("About"), { target: { value: "x" } });
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  expect(await screen.findByText("no such role")).toBeVisible();
  expect(screen.getByText("needs a weight above 0")).toBeVisible();
});

it("emptying closes what was counted, and no more", async () => {
  const sent: unknown[] = [];
  answering({
    "GET /v1/queues/{document_id}": () => queue(),
    "GET /v1/queues/{queue_id}/contents": () => contents(),
    "POST /v1/queues/{queue_id}/empty": ({ body }) => {
      sent.push(body);
      return {};
    },
  });
  render(<QueueFormPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Empty…" }));
  await userEvent.click(await screen.findByRole("button", { name: "Close 2 jobs" }));
  await waitFor(() => expect(sent).toEqual([{ closable: 2, asOf: AT, reason: null }]));
});

it("a queue that rules name is not removed; another one is, over the revision that was read", async () => {
  const sent: unknown[] = [];
  let used = ["routing rule Threats first"];
  answering({
    "GET /v1/queues/{document_id}": () => queue(),
    "GET /v1/queues/{queue_id}/contents": () => contents({ usedBy: used }),
    "DELETE /v1/queues/{document_id}": ({ params }) => {
      sent.push([params?.header, params?.query]);
      return undefined;
    },
  });
  const { unmount } = render(<QueueFormPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Remove…" }));
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findByText("routing rule Threats first")).toBeVisible();
  expect(within(dialog).queryByRole("button", { name: "Remove the queue" })).toBeNull();
  unmount();
  used = [];
  signedIn(["EDIT_MRT_QUEUES", "VIEW_MRT"]);
  render(<QueueFormPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Remove…" }));
  await userEvent.click(await screen.findByRole("button", { name: "Remove the queue" }));
  await waitFor(() => expect(sent).toEqual([[{ "If-Match": '"4"' }, { moveTo: undefined }]]));
  expect(navigate).toHaveBeenCalledWith({ to: "/settings/queues" });
});
