import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import type { Schema } from "@/api/client";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { settingsWith } from "./organisation";
import { OrganisationWellnessPage } from "./organisation-page";

vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }) }));

const CHOICE = { blurLevel: 4, grayscale: true, sepia: false, veilText: false, veilAfter: 20, muteVideo: true, muteAudio: true, breakAfterReveals: 0, breakAfterMinutes: 0 };
const AT = new Date().toISOString();
const settings = (revision: number, more: object = {}) =>
  ({ id: "s", name: "Org", revision, createdAt: AT, updatedAt: AT, updatedBy: "u", updatedByPerson: { id: "u", name: "Leila Haddad" }, isDemoOrg: true, undoWindow: 10, appealCallbackHeaderNames: ["X-Key"], defaultWellness: CHOICE, ...more }) as unknown as Schema["SettingsView"];

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("only the choice of wellness changes, and a secret header stays", () => {
  expect(settingsWith(settings(3), { ...CHOICE, blurLevel: 6 })).toEqual({ name: "Org", undoWindow: 10, appealCallbackHeaders: { "X-Key": null }, ignoreCallbackHeaders: null, partialItemsHeaders: null, defaultWellness: { ...CHOICE, blurLevel: 6 } });
});

it("what somebody changed meanwhile is told with whose change it was, and is written over only once it was seen", async () => {
  const theirs = settings(4, { defaultWellness: { ...CHOICE, muteVideo: false } });
  const stored = [settings(3), theirs];
  const sent: unknown[] = [];
  answering({
    "GET /v1/settings": () => stored.shift() ?? theirs,
    "GET /v1/session": () => new Promise(() => undefined),
    "PUT /v1/settings": ({ params, body }) => {
      sent.push([params?.header?.["If-Match"], (body as Schema["SettingsBody"]).defaultWellness?.veilText]);
      return params?.header?.["If-Match"] === '"3"' ? Promise.reject(new ApiProblem("revision-mismatch", 412)) : settings(5);
    },
  });
  render(<OrganisationWellnessPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("switch", { name: "Veil words too" }));
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(await screen.findByText(/Leila Haddad changed the settings/)).toBeVisible();
  expect(screen.getByRole("alert")).toHaveTextContent(/Veil words too/);
  expect(screen.getByRole("alert")).toHaveTextContent(/Videos without sound/);
  await userEvent.click(screen.getByRole("button", { name: "Take mine" }));
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(await screen.findByText("Kept.")).toBeVisible();
  expect(sent).toEqual([['"3"', true], ['"4"', true]]);
});

it("whoever may not is told what it needs", async () => {
  signedIn(["VIEW_MRT"]);
  const asked = answering({});
  render(<OrganisationWellnessPage />, { wrapper: Around });
  expect(screen.getByText(/Manage Organization Settings/)).toBeVisible();
  await waitFor(() => expect(asked).toEqual([]));
});
