import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { ConditionSet } from "@/condition/sentence";
import { useKeyboard } from "@/key/keys";
import { answering, type Init } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { BuilderPage } from "./builder-page";
import { bodyOf, copyOf, valuesOf } from "./draft";
import type { Rule } from "./query";

const { navigate, blocker } = vi.hoisted(() => ({ navigate: vi.fn(), blocker: { status: "idle", proceed: vi.fn(), reset: vi.fn() } }));
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => blocker, useNavigate: () => navigate, getRouteApi: () => ({ useParams: () => ({}), useSearch: () => ({}) }) }));

const AT = "2026-11-30T12:00:00Z";
const signal = (name: string, more: Partial<Schema["SignalView"]> = {}): Schema["SignalView"] => ({ name, displayName: name, description: "", docsUrl: "", inputs: ["STRING"], output: "BOOLEAN", order: [], cost: 1, lane: "FAST", needsMatchingValues: ["strings", "text_banks"], subcategories: false, fullItem: false, derivation: null, allowedInRules: true, allowedInRoutingRules: true, integration: null, recommendedThresholds: null, languages: [], available: true, reason: null, ...more });
const SIGNALS = [
  signal("TEXT_MATCHING_CONTAINS_TEXT", { displayName: "Text contains text" }),
  signal("TOXICITY", { displayName: "Toxicity", output: "NUMBER", needsMatchingValues: [], cost: 20, lane: "SLOW", available: false, reason: "no account is set up" }),
  signal("USER_STRIKE_VALUE", { displayName: "User's strikes", inputs: ["USER_ID"], output: "NUMBER", needsMatchingValues: [] }),
];
const contains = (...strings: string[]) => ({ input: { type: "CONTENT_COOP_INPUT", name: "All text" }, signal: { type: "TEXT_MATCHING_CONTAINS_TEXT" }, comparator: "EQUALS", threshold: true, matchingValues: { strings } }) as ConditionSet["conditions"][number];
const rule = (revision: number, more: Partial<Rule> = {}): Rule => ({ id: "r1", name: "Scams", description: "", status: "BACKGROUND", itemTypeIds: ["t1"], conditionSet: { conjunction: "AND", conditions: [contains("airdrop"), { conjunction: "OR", conditions: [contains("a"), contains("b")] }] }, actionIds: [], actionParameters: {}, policyIds: [], tags: [], maxDailyActions: null, maxActionsPerMinute: null, maxUsersPerHour: null, expirationTime: null, revision, updatedAt: AT, updatedBy: "u", updatedByPerson: { id: "u", name: "Leila Haddad", initials: "LH", active: true }, ...more }) as Rule;
const type = { id: "t1", name: "Comment", kind: "CONTENT", fields: [{ name: "text", type: "STRING" }, { name: "likes", type: "NUMBER" }] };

type Table = Parameters<typeof answering>[0];
const passes = () => ({ passed: true, outcome: "PASSED", conditions: { path: "/conditionSet", outcome: "PASSED", conditions: [] }, problems: [], values: [], warnings: [] });
const world = (more: Table = {}) =>
  answering({
    "GET /v1/rules/{document_id}": () => rule(3),
    "GET /v1/signals": () => ({ items: SIGNALS }),
    "GET /v1/item-types": () => ({ items: [type] }),
    "GET /v1/actions": () => ({ items: [{ id: "a1", name: "Remove", penalty: "HIGH", parameters: [{ name: "days", displayName: "Days", type: "NUMBER", required: true }] }] }),
    "GET /v1/text-banks": () => ({ items: [{ id: "b1", name: "Phrases", entryCount: 12 }] }),
    "POST /v1/rules/spot-test": passes,
    ...more,
  });

function Keyed({ ruleId }: { ruleId: string | null }) {
  useKeyboard();
  return <BuilderPage ruleId={ruleId} />;
}
const open = (ruleId: string | null = "r1") => render(<Keyed ruleId={ruleId} />, { wrapper: Around });
const sent = (init: Init) => (init.body as Schema["RuleBody"]).conditionSet;
const fault = (pointer: string, reason: string) => new ApiProblem("invalid", 422, { errors: [{ pointer, reason, code: "invalid" }] });

beforeEach(() => {
  sessionStorage.clear();
  navigate.mockReset();
  blocker.status = "idle";
  signedIn(["VIEW_RULES_DASHBOARD", "MUTATE_NON_LIVE_RULES", "MUTATE_LIVE_RULES", "RUN_BACKTEST"]);
});

it("the sentence follows what is built, by keys alone: added, negated, grouped, moved, removed, undone", async () => {
  world();
  open();
  const first = await screen.findByLabelText(/^Condition 1:/);
  act(() => first.focus());
  await userEvent.keyboard("n");
  expect(screen.getByText("NOT")).toBeVisible();
  expect(document.activeElement).toHaveAttribute("aria-label", expect.stringMatching(/^Condition 1:/));
  await userEvent.keyboard("{Alt>}{ArrowDown}{/Alt}");
  expect(document.activeElement).toHaveAttribute("aria-label", expect.stringMatching(/^Condition 1\.1:.*airdrop/));
  await userEvent.keyboard("n");
  expect(screen.queryByText("NOT")).toBeNull();
  await userEvent.keyboard("a");
  expect(document.activeElement).toHaveAttribute("aria-label", expect.stringMatching(/^Condition 1\.2:/));
  await userEvent.keyboard("{Delete}");
  await waitFor(() => expect(screen.queryByLabelText(/^Condition 1\.4:/)).toBeNull());
  await userEvent.keyboard("{Control>}z{/Control}");
  expect(screen.getByLabelText(/^Condition 1\.4:/)).toBeVisible();
  for (let back = 0; back < 4; back += 1) await userEvent.keyboard("{Control>}z{/Control}");
  expect(screen.getByLabelText(/^Condition 1:.*airdrop/)).toBeVisible();
  expect(screen.getByLabelText(/^Condition 2\.2:/)).toBeVisible();
  expect(screen.getByText("Saved")).toBeVisible();
});

it("what is typed stands in the sentence at once, and is saved as the language has it", async () => {
  const bodies: ConditionSet[] = [];
  world({
    "PUT /v1/rules/{document_id}": (init) => {
      bodies.push(sent(init));
      expect(init.params?.header?.["If-Match"]).toBe('"3"');
      return rule(4, { conditionSet: sent(init) });
    },
  });
  open();
  await userEvent.type(await screen.findByLabelText("What condition 1 looks for", { selector: "input" }), "free money{Enter}");
  expect(screen.getByText(/All text contains “airdrop”, “free money”/, { selector: "p button" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  await waitFor(() => expect(bodies).toHaveLength(1));
  expect(bodies[0]?.conditions[0]).toMatchObject({ matchingValues: { strings: ["airdrop", "free money"] } });
});

it("each fault stands at its condition, whether the server named it on trying or on saving, and is counted", async () => {
  world({
    "POST /v1/rules/spot-test": () => Promise.reject(fault("/rule/conditionSet/conditions/1/conditions/0/matchingValues/strings/0", "the group is never closed")),
    "PUT /v1/rules/{document_id}": () => Promise.reject(fault("/conditionSet/conditions/0/threshold", "does not fit")),
  });
  open();
  const tried = await screen.findByText("the group is never closed");
  expect(tried.closest("[data-part]")).toHaveAttribute("data-part", "/conditions/1/conditions/0");
  fireEvent.change(screen.getByLabelText("Name"), { target: { value: "Scams!" } });
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  const saved = await screen.findByText("does not fit");
  expect(saved.closest("[data-part]")).toHaveAttribute("data-part", "/conditions/0");
  await userEvent.click(screen.getByRole("button", { name: "▲ 2 faults" }));
  expect(document.activeElement?.closest("[data-part]")).not.toBeNull();
});

it("a signal is chosen from the gallery, which says what cannot be had and why; what no longer fits goes", async () => {
  world();
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Signal of condition 1: Text contains text" }));
  const gallery = await screen.findByRole("dialog");
  expect(within(gallery).getByText("Not available: no account is set up")).toBeVisible();
  expect(within(gallery).getByText("Not for All text")).toBeVisible();
  await userEvent.type(within(gallery).getByLabelText("Find a signal"), "toxic");
  await userEvent.click(within(gallery).getByRole("button", { name: "Use it: Toxicity" }));
  await userEvent.type(await screen.findByLabelText("Value of condition 1"), "0.8");
  expect(screen.getByText(/Toxicity of All text is at least 0.8/, { selector: "p button" })).toBeVisible();
  expect(screen.queryByLabelText("What condition 1 looks for", { selector: "input" })).toBeNull();
});

it("what is written into the trial while a new rule is saved is there on the page of the saved one, with the focus", { timeout: 300_000 }, async () => {
  world({ "POST /v1/rules": () => rule(1, { id: "r9" }), "GET /v1/rules/{document_id}": ({ params }) => rule(1, { id: params?.path?.["document_id"] ?? "" }) });
  const fresh = open(null);
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "Zebras" } });
  await userEvent.click(screen.getByLabelText("Looks at", { selector: "input" }));
  await userEvent.click(await screen.findByRole("option", { name: "Comment" }));
  await userEvent.click(await screen.findByRole("button", { name: /Create/ }));
  await waitFor(() => expect(navigate).toHaveBeenCalled());
  // The page of the saved one is on its way: what is typed now is typed here.
  screen.getByLabelText("text").focus();
  fireEvent.change(screen.getByLabelText("text"), { target: { value: "a zebra" } });
  fresh.unmount();
  const saved = open("r9");
  const field = await screen.findByLabelText("text");
  expect(field).toHaveValue("a zebra");
  expect(field).toHaveFocus();
  expect(await screen.findByText("It matches")).toBeVisible();
  saved.unmount();
  open("r8");
  expect(await screen.findByLabelText("text")).toHaveValue("");
});

it("a new rule needs its item types first, and begins with what is most often asked", async () => {
  const made: Schema["RuleBody"][] = [];
  world({
    "POST /v1/rules": ({ body }) => {
      made.push(body as Schema["RuleBody"]);
      return rule(1, { id: "r9" });
    },
  });
  open(null);
  expect(await screen.findByText(/Choose what it looks at first/, { selector: "p" })).toBeVisible();
  fireEvent.change(screen.getByLabelText("Name"), { target: { value: "Zebras" } });
  await userEvent.click(screen.getByLabelText("Looks at", { selector: "input" }));
  await userEvent.click(await screen.findByRole("option", { name: "Comment" }));
  await userEvent.click(await screen.findByRole("button", { name: "Start with Text contains text" }));
  await userEvent.type(screen.getByLabelText("What condition 1 looks for", { selector: "input" }), "zebra{Enter}");
  await userEvent.click(screen.getByRole("button", { name: /Create/ }));
  await waitFor(() => expect(navigate).toHaveBeenCalledWith(expect.objectContaining({ params: { ruleId: "r9" } })));
  expect(made[0]).toMatchObject({ name: "Zebras", status: "DRAFT", itemTypeIds: ["t1"], conditionSet: { conjunction: "AND", conditions: [{ matchingValues: { strings: ["zebra"] }, threshold: true }] } });
});

it("what was entered outlives the page with what it was begun from, so that another's change is never written over unseen", async () => {
  world();
  const page = open();
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "Mine" } });
  page.unmount();
  signedIn(["VIEW_RULES_DASHBOARD", "MUTATE_NON_LIVE_RULES"]);
  world({
    "GET /v1/rules/{document_id}": () => rule(7, { name: "Theirs" }),
    "PUT /v1/rules/{document_id}": ({ params }) => (params?.header?.["If-Match"] === '"3"' ? Promise.reject(new ApiProblem("revision-mismatch", 412)) : rule(8)),
  });
  open();
  expect(await screen.findByLabelText("Name")).toHaveValue("Mine");
  expect(screen.getByText(/is here again/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  expect(await screen.findByRole("alert")).toHaveTextContent(/Leila Haddad saved another version/);
  await userEvent.click(screen.getByRole("button", { name: "Take theirs" }));
  expect(screen.getByLabelText("Name")).toHaveValue("Theirs");
  expect(sessionStorage.length).toBe(0);
});

it("whoever leaves and says so gives up what was entered", async () => {
  world();
  const page = open();
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "Mine" } });
  blocker.status = "blocked";
  fireEvent.change(screen.getByLabelText("Name"), { target: { value: "Mine again" } });
  await userEvent.click(await screen.findByRole("button", { name: "Leave, lose changes" }));
  expect(blocker.proceed).toHaveBeenCalled();
  page.unmount();
  blocker.status = "idle";
  open();
  expect(await screen.findByLabelText("Name")).toHaveValue("Scams");
});

it("an item is tried as it is written, without saving; recent ones say what matched and why", async () => {
  const bodies: Schema["SpotTestBody"][] = [];
  world({
    "POST /v1/rules/spot-test": ({ body }) => {
      bodies.push(body as Schema["SpotTestBody"]);
      const leaf = (outcome: string, matchedValue: string | null) => ({ path: "/conditionSet/conditions/0", outcome, says: "all text", matchedValue, conditions: [] });
      const isMatch = (body as Schema["SpotTestBody"]).submissionId !== "s2";
      return { ...passes(), outcome: isMatch ? "PASSED" : "FAILED", conditions: { path: "/conditionSet", outcome: isMatch ? "PASSED" : "FAILED", conjunction: "AND", conditions: [leaf(isMatch ? "PASSED" : "FAILED", isMatch ? "airdrop" : null)] } };
    },
    "GET /v1/evaluations": () => ({ items: ["s1", "s1", "s2"].map((submissionId) => ({ submissionId, time: AT, lane: "FAST", item: { id: submissionId, typeId: "t1" }, outcome: { text: `Text of ${submissionId}`, rules: [], creator: null } })) }),
  });
  open();
  fireEvent.change(await screen.findByLabelText("text"), { target: { value: "An airdrop" } });
  expect(await screen.findByText("It matches")).toBeVisible();
  await waitFor(() => expect(bodies.at(-1)).toMatchObject({ item: { typeId: "t1", data: { text: "An airdrop" } } }));
  expect(bodies.at(-1)).toMatchObject({ rule: { name: "Scams" } });
  expect(bodies.at(-1)?.ruleId).toBeUndefined();
  expect(screen.getAllByRole("img", { name: "matched" })).toHaveLength(2);
  await userEvent.click(screen.getByRole("button", { name: /Try on them/ }));
  expect(await screen.findByText("Text of s2")).toBeVisible();
  expect(screen.getAllByText("Text of s1")).toHaveLength(1);
  expect(screen.getByText("1 of 2 matched")).toBeVisible();
  await userEvent.click(screen.getByText("Text of s2"));
  expect(await screen.findByText("It does not match")).toBeVisible();
});

it("a backtest of what is not saved is started, followed, ended, and says what is other than live", async () => {
  let state: Schema["BacktestView"]["state"] = "RUNNING";
  const backtest = () => ({ id: "k1", ruleId: "r1", ruleRevision: null, rule: {}, start: AT, end: AT, values: "TODAY", state, progress: 0.5, counts: { scanned: 90, evaluated: 80, passed: 12, unknown: 0, newlyPassing: 5, noLongerPassing: 2, acted: 0, skipped: 0, unavailable: {} }, measured: null, dataFrom: null, error: null, createdBy: "me", createdAt: AT, updatedAt: `${AT}${state}` });
  const asked = world({
    "POST /v1/backtests": backtest,
    "GET /v1/backtests/{backtest_id}": backtest,
    "POST /v1/backtests/{backtest_id}/cancel": () => {
      state = "CANCELLED";
      return backtest();
    },
    "GET /v1/backtests/{backtest_id}/samples": ({ params }) => ({ items: params?.query?.difference === "NEWLY_PASSING" ? [{ submissionId: "s", item: { id: "post-9", typeId: "t1" }, time: AT, passed: true, live: false, conditions: [] }] : [] }),
  });
  open();
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "Scams 2" } });
  await userEvent.click(screen.getByRole("button", { name: "Start" }));
  expect(await screen.findByText("+5")).toBeVisible();
  expect(screen.getByText("−2")).toBeVisible();
  expect(screen.getByRole("progressbar")).toHaveAttribute("value", "0.5");
  const started = asked.find(({ what }) => what === "POST /v1/backtests")?.init.body as Schema["BacktestBody"];
  expect(started).toMatchObject({ ruleId: "r1", rule: { name: "Scams 2" } });
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(await screen.findByText(/cancelled at 50%/)).toBeVisible();
  expect(screen.queryByRole("progressbar")).toBeNull();
});

it("a copy is a draft of another name, and what the form holds is sent whole", () => {
  const one = rule(2, { status: "LIVE", maxDailyActions: 20, actionIds: ["a1"], actionParameters: { a1: { days: 7 }, a2: { days: 9 } } });
  expect(copyOf(one)).toMatchObject({ name: "COPY: Scams", status: "DRAFT" });
  expect(bodyOf(valuesOf(one))).toMatchObject({ status: "LIVE", maxDailyActions: 20, maxUsersPerHour: null, actionParameters: { a1: { days: 7 } } });
  expect(bodyOf(valuesOf(one)).actionParameters).not.toHaveProperty("a2");
});

it("who may not change rules is told what that needs", async () => {
  signedIn(["VIEW_RULES_DASHBOARD"]);
  world();
  open();
  expect(await screen.findByText("You cannot change this rule")).toBeVisible();
});
