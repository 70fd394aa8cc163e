import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { Past } from "./past";
import type { Rule } from "./query";

const AT = "2026-11-30T12:00:00Z";
const rule = { id: "r1", name: "Scams", actionIds: ["a1"], revision: 2 } as unknown as Rule;
const counts = (passed: number, acted: number) => ({ scanned: 0, evaluated: 0, passed, unknown: 0, newlyPassing: 0, noLongerPassing: 0, acted, skipped: 0, unavailable: {} });
const part = (passed: number, acted: number, progress = 1) => ({ progress, counts: counts(passed, acted), dataFrom: null, error: null, updatedAt: AT });
const open = (one: Rule = rule) => render(<Past rule={one} />, { wrapper: Around });
const partOf = (name: string) => screen.findByRole("region", { name });

beforeEach(() => signedIn(["VIEW_RULES_DASHBOARD", "RUN_RETROACTION", "MANUALLY_ACTION_CONTENT"]));

it("acts on past items only after the number of the preview was confirmed, and says how many it acted on", async () => {
  const retroaction = (state: Schema["RetroactionView"]["state"]) => ({ id: "x1", state, preview: part(41, 0), run: state === "COMPLETE" ? part(41, 40) : null });
  const asked = answering({ "POST /v1/retroactions": () => retroaction("AWAITING_CONFIRMATION"), "GET /v1/retroactions/{retroaction_id}": () => retroaction("AWAITING_CONFIRMATION"), "POST /v1/retroactions/{retroaction_id}/confirm": () => retroaction("COMPLETE") });
  open();
  const past = await partOf("Act on what is past");
  await userEvent.click(within(past).getByRole("button", { name: "Preview" }));
  expect(await within(past).findByText("41 items would be acted on")).toBeVisible();
  expect(asked.some(({ what }) => what.endsWith("/confirm"))).toBe(false);
  await userEvent.click(within(past).getByRole("button", { name: "Act on 41 items" }));
  expect(await within(past).findByText("acted on 40 of 41")).toBeVisible();
  expect(asked.find(({ what }) => what.endsWith("/confirm"))?.init.body).toEqual({ passed: 41 });
});

it("a rule without an action acts on nothing, and says so", async () => {
  const asked = answering({});
  open({ ...rule, actionIds: [] });
  const past = await partOf("Act on what is past");
  await userEvent.click(within(past).getByRole("button", { name: "Preview" }));
  expect(within(past).getByText("It has no action to take.")).toBeVisible();
  expect(asked.every(({ what }) => !what.startsWith("POST"))).toBe(true);
});

it("takes back what it did, with a reason, and for the number that was seen", async () => {
  const asked = answering({
    "POST /v1/reversals": () => ({ id: "k1", total: 3, sample: [{ itemId: "post-1" }], state: "PREVIEW" }),
    "POST /v1/bulk-actions/{bulk_id}/confirm": () => ({ id: "k1", total: 3, requested: 0, refused: 0, state: "RUNNING" }),
    "GET /v1/bulk-actions/{bulk_id}": () => ({ id: "k1", total: 3, requested: 2, refused: 1, state: "COMPLETE" }),
  });
  open();
  const back = await partOf("Take back what it did");
  await userEvent.click(within(back).getByRole("button", { name: "See how many" }));
  expect(asked.some(({ what }) => what === "POST /v1/reversals")).toBe(false);
  await userEvent.type(within(back).getByLabelText("Why"), "Wrong");
  await userEvent.click(within(back).getByRole("button", { name: "See how many" }));
  await userEvent.click(await within(back).findByRole("button", { name: "Take 3 actions back" }));
  expect(await within(back).findByText("2 of 3 taken back, 1 could not be")).toBeVisible();
  expect(asked.find(({ what }) => what === "POST /v1/reversals")?.init.body).toMatchObject({ ruleId: "r1", note: "Wrong" });
  expect(asked.find(({ what }) => what.endsWith("/confirm"))?.init.body).toEqual({ total: 3 });
});

it("a refusal is said where it hits", async () => {
  answering({ "POST /v1/retroactions": () => Promise.reject(new ApiProblem("conflict", 409, { detail: "too many are under way" })) });
  open();
  const past = await partOf("Act on what is past");
  await userEvent.click(within(past).getByRole("button", { name: "Preview" }));
  expect(await within(past).findByRole("alert")).toHaveTextContent(/too many are under way/i);
});

it("says what it was stopped for; another rule's alarms are not its own", async () => {
  const alarm = (id: string, ruleId: string) => ({ id, kind: "RULE_TRIPPED", createdAt: AT, readAt: null, data: { ruleId, ruleName: "Scams", count: 61, limit: 60, measure: "ACTIONS", window: 60, stopped: true, revision: 9 } });
  answering({ "GET /v1/notifications": () => ({ items: [alarm("n1", "r1"), alarm("n2", "r2")] }) });
  open();
  const alarms = await partOf("Alarms");
  await waitFor(() => expect(within(alarms).getAllByText(/61 in 60 s, 60 were allowed: it was put in the background/)).toHaveLength(1));
});

it("who may neither is told what each needs", async () => {
  signedIn(["VIEW_RULES_DASHBOARD"]);
  answering({});
  open();
  expect(await screen.findAllByText(/It needs the permission/)).toHaveLength(2);
});
