import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { useNames } from "@/configuration/names";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { AskApproval } from "./ask-approval";
import { bodyOf, valuesOf } from "./draft";
import type { Proposal } from "./proposal";
import type { Rule } from "./query";
import { Waiting } from "./waiting";

vi.mock("@tanstack/react-router", () => ({ Link: () => null, useNavigate: () => vi.fn() }));

const AT = "2026-11-30T12:00:00Z";
const rule = { id: "r1", name: "Scams", description: "", status: "BACKGROUND", itemTypeIds: ["t1"], conditionSet: { conjunction: "AND", conditions: [] }, actionIds: ["a1"], actionParameters: {}, policyIds: [], tags: [], maxDailyActions: null, maxActionsPerMinute: null, maxUsersPerHour: null, expirationTime: null, revision: 7, updatedAt: AT, updatedBy: "u" } as unknown as Rule;
const live = bodyOf({ ...valuesOf(rule), status: "LIVE" });
const proposal = (more: Partial<Proposal>): Proposal => ({ id: "p1", ruleId: "r1", revision: 7, rule: { ...live, id: "r1" }, changes: [], expected: 4200, basis: "MATCHES", above: 1000, note: "Scams from tonight", state: "OPEN", proposedBy: "u2", proposedByPerson: { id: "u2", name: "Leila Haddad", initials: "LH", active: true }, proposedAt: AT, expiresAt: AT, decidedBy: null, decidedAt: null, reason: null, savedRevision: null, mine: false, answerable: true, ...more }) as Proposal;
const forecast = (more: object) => ({ "POST /v1/rule-proposals/preview": () => ({ acts: true, expected: null, basis: null, above: 1000, needsApproval: true, approvers: 2, ...more }) });

function Page() {
  return <Waiting rule={rule} names={useNames()} />;
}
const waiting = (one: Partial<Proposal>, more: Parameters<typeof answering>[0] = {}) => {
  const asked = answering({ "GET /v1/rule-proposals": () => ({ items: [proposal(one)] }), "GET /v1/actions": () => ({ items: [{ id: "a1", name: "Remove" }] }), ...more });
  render(<Page />, { wrapper: Around });
  return asked;
};

beforeEach(() => signedIn(["VIEW_RULES_DASHBOARD", "MUTATE_LIVE_RULES"]));

it("what waits is shown with who asked, what differs and what it would act on, and another person approves it", async () => {
  const asked = waiting({}, { "POST /v1/rule-proposals/{proposal_id}/approve": () => proposal({ state: "APPROVED" }) });
  expect(await screen.findByText(/Leila Haddad asked/)).toBeInTheDocument();
  expect(screen.getByText("Scams from tonight")).toBeInTheDocument();
  expect(screen.getByText(/About 4,200 items/)).toBeInTheDocument();
  expect(screen.getByRole("deletion")).toHaveTextContent("Background");
  expect(screen.getByRole("insertion")).toHaveTextContent("Live");
  await userEvent.click(screen.getByRole("button", { name: /Approve/ }));
  await waitFor(() => expect(asked.filter(({ what }) => what.endsWith("/approve")).map(({ init }) => init.params?.path)).toEqual([{ proposal_id: "p1" }]));
});

it("it is declined with a reason, and not without", async () => {
  const asked = waiting({}, { "POST /v1/rule-proposals/{proposal_id}/decline": () => proposal({ state: "DECLINED" }) });
  await userEvent.click(await screen.findByRole("button", { name: "Decline" }));
  expect(screen.getByRole("button", { name: "Decline" })).toBeDisabled();
  await userEvent.type(screen.getByLabelText("Why not, for who asked"), "Too wide");
  await userEvent.click(screen.getByRole("button", { name: "Decline" }));
  await waitFor(() => expect(asked.find(({ what }) => what.endsWith("/decline"))?.init.body).toEqual({ reason: "Too wide" }));
});

it("who asked may withdraw it, and nothing else", async () => {
  waiting({ mine: true, answerable: false });
  expect(await screen.findByRole("button", { name: "Withdraw" })).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: /Approve|Decline/ })).toBeNull();
});

it("what was changed since is not approved, and says so; a refusal does too", async () => {
  waiting({ state: "OUTDATED", answerable: false });
  expect(await screen.findByRole("heading", { name: "The rule was changed since this was asked for" })).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: /Approve/ })).toBeNull();
});

it("a change of more than one person decides is asked for, of the revision that was seen", async () => {
  const asked = answering({ ...forecast({}), "POST /v1/rule-proposals": () => proposal({}) });
  const done = vi.fn();
  render(<AskApproval base={rule} body={live} asked={done} />, { wrapper: Around });
  expect(await screen.findByText(/is not known/)).toBeInTheDocument();
  expect(screen.getByText(/up to 1,000 items a day/)).toBeInTheDocument();
  await userEvent.type(screen.getByRole("textbox"), "Tonight");
  await userEvent.click(screen.getByRole("button", { name: "Ask for approval" }));
  await waitFor(() => expect(done).toHaveBeenCalled());
  expect(asked.find(({ what }) => what === "POST /v1/rule-proposals")?.init.body).toEqual({ ruleId: "r1", revision: 7, rule: live, note: "Tonight" });
});

it("where nobody else may approve it, that is said before, and nothing can be asked", async () => {
  answering(forecast({ approvers: 0 }));
  render(<AskApproval base={rule} body={live} asked={vi.fn()} />, { wrapper: Around });
  expect(await screen.findByText(/nobody could approve it/)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Ask for approval" })).toBeNull();
});

it("another's change in between is named, and what was written stays", async () => {
  answering({ ...forecast({}), "POST /v1/rule-proposals": () => Promise.reject(new ApiProblem("revision-mismatch", 412)) });
  render(<AskApproval base={rule} body={live} asked={vi.fn()} />, { wrapper: Around });
  await userEvent.type(await screen.findByRole("textbox"), "Tonight");
  await userEvent.click(screen.getByRole("button", { name: "Ask for approval" }));
  expect(await screen.findByText(/changed it at .*look at it again/)).toBeInTheDocument();
  expect(screen.getByRole("textbox")).toHaveValue("Tonight");
});
