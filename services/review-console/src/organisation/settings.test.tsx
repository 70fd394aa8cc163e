import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, valuesOf, type Settings } from "./settings";
import { SettingsPage } from "./settings-page";

vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }) }));

const AT = new Date().toISOString();
const settings = (more: Partial<Settings> = {}): Settings => ({ id: "s", name: "Org", revision: 3, updatedAt: AT, updatedBy: "u", undoWindow: 10, itemHistoryDays: 30, evaluationSample: 0.01, closedJobDays: null, sessionHours: 12, timeZone: "UTC", userStrikeThresholds: [{ threshold: 3 } as never], appealCallbackHeaderNames: ["X-Key"], email: null, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("what the form does not show goes back as it was; secrets stay; empty is none where that means something", () => {
  const base = settings();
  const body = bodyOf({ ...valuesOf(base), sessionHours: "", email: " a@example.test " }, base);
  expect(body).toMatchObject({ name: "Org", undoWindow: 10, itemHistoryDays: 30, evaluationSample: 0.01, closedJobDays: null, sessionHours: null, timeZone: "UTC", email: "a@example.test", websiteUrl: null, appealCallbackHeaders: { "X-Key": null }, userStrikeThresholds: [{ threshold: 3 }] });
  expect(Object.keys(body)).not.toContain("appealCallbackHeaderNames");
  expect(Object.keys(body)).not.toContain("revision");
});

it("a number that was emptied, and may not be none, is left as it was", () => {
  const base = settings();
  expect(bodyOf({ ...valuesOf(base), undoWindow: "", evaluationSample: "" }, base)).toMatchObject({ undoWindow: 10, evaluationSample: 0.01 });
});

it("a refusal stands at its field, and what was read is what it is sent over", async () => {
  const sent: unknown[] = [];
  answering({
    "GET /v1/settings": () => settings(),
    "PUT /v1/settings": ({ params, body }) => {
      sent.push([params?.header, (body as Schema["SettingsBody"]).timeZone]);
      return Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/timeZone", reason: "no such zone", code: "unknown" }] }));
    },
  });
  render(<SettingsPage />, { wrapper: Around });
  fireEvent.change(await screen.findByLabelText("Time zone"), { target: { value: "Mars/Olympus" } });
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  expect(await screen.findByText("no such zone")).toBeVisible();
  await waitFor(() => expect(sent).toEqual([[{ "If-Match": '"3"' }, "Mars/Olympus"]]));
});
