import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { useKeyboard } from "@/key/keys";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { inOrder, isConditionSet, movedTo, valuesOf, bodyOf, classOf, named, type RoutingRule } from "./routing";
import { RoutingPage } from "./routing-page";

const { navigate, search } = vi.hoisted(() => ({ navigate: vi.fn(), search: vi.fn(() => ({})) }));
vi.mock("@tanstack/react-router", () => ({
  Link: ({ children }: { children: unknown }) => <a href="#rule">{children as string}</a>,
  useBlocker: () => ({ status: "idle" }),
  useNavigate: () => navigate,
  getRouteApi: () => ({ useSearch: search, useParams: () => ({ ruleId: "a" }) }),
}));

const AT = new Date().toISOString();
const SET = { conjunction: "AND" as const, conditions: [{ input: { type: "CONTENT_COOP_INPUT" as const, name: "All text" }, comparator: "EQUALS" as const, threshold: "x" }] } as unknown as RoutingRule["conditionSet"];
const rule = (id: string, sequenceNumber: number, more: Partial<RoutingRule> = {}): RoutingRule => ({ id, name: `Rule ${id}`, sequenceNumber, revision: sequenceNumber, conditionSet: SET, destinationQueueId: "q", itemTypeIds: ["t"], updatedAt: AT, updatedBy: "u", status: "LIVE", ...more });
const THREE = [rule("a", 1), rule("b", 2), rule("c", 3)];
function Page() {
  useKeyboard();
  return <RoutingPage />;
}
const names = () => screen.getAllByRole("listitem").map((line) => within(line).getByRole("link").textContent);

beforeEach(() => {
  vi.restoreAllMocks();
  search.mockImplementation(() => ({}));
  signedIn(["MANAGE_ROUTING_RULES", "EDIT_MRT_QUEUES", "VIEW_MRT"]);
});

it("what came since an order was made stands after the rule that it is tried after, and what is gone is left out", () => {
  const ids = (order: readonly string[], rules: readonly RoutingRule[]) => inOrder(rules, order).map(({ id }) => id);
  expect(ids(["c", "a", "b"], [...THREE, rule("d", 4)])).toEqual(["c", "d", "a", "b"]);
  expect(ids(["c", "a", "b"], [rule("n", 0), ...THREE])).toEqual(["n", "c", "a", "b"]);
  expect(ids(["c", "b", "a"], [rule("a", 1), rule("c", 3)])).toEqual(["c", "a"]);
});

it("moving keeps all, whichever way, and stays within the list", () => {
  expect(movedTo(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(movedTo(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  expect(movedTo(["a", "b", "c"], 1, 9)).toEqual(["a", "c", "b"]);
  expect(movedTo(["a", "b", "c"], 7, 0)).toEqual(["a", "b", "c"]);
});

it("reports and appeals are two lists, each in its own order", () => {
  const all = [rule("b", 2), rule("x", 1, { forAppeals: true }), rule("a", 1)];
  expect(classOf(all, false).map(({ id }) => id)).toEqual(["a", "b"]);
  expect(classOf(all, true).map(({ id }) => id)).toEqual(["x"]);
});

it("a rule that goes to the other list loses its place, one that stays keeps it", () => {
  const values = valuesOf(rule("a", 7));
  expect(bodyOf(values, rule("a", 7)).sequenceNumber).toBe(7);
  expect(bodyOf({ ...values, forAppeals: true }, rule("a", 7)).sequenceNumber).toBeNull();
});

it("a condition is told from other text, as deep as it goes", () => {
  expect(isConditionSet(SET)).toBe(true);
  expect(isConditionSet({ conjunction: "AND", conditions: [SET, { input: {} }] })).toBe(true);
  for (const wrong of [null, 1, "x", {}, { conjunction: "AND" }, { conjunction: "AND", conditions: [{}] }, { conjunction: "AND", conditions: [{ conjunction: "OR", conditions: [1] }] }]) expect(isConditionSet(wrong)).toBe(false);
});

it("a rule is moved by buttons and by keys; each move is said, and nothing is sent before it is saved", async () => {
  const asked = answering({ "GET /v1/routing-rules": () => ({ items: THREE }), "PUT /v1/routing-rules/order": () => ({ items: THREE, forAppeals: false, revision: 9 }) });
  const user = userEvent.setup();
  render(<Page />, { wrapper: Around });
  await user.click(await screen.findByRole("button", { name: "Move Rule a down" }));
  expect(names()).toEqual(["Rule b", "Rule a", "Rule c"]);
  expect(screen.getByText("Rule a is at place 2 of 3, not saved yet")).toBeInTheDocument();
  (document.activeElement as HTMLElement).blur();
  await user.keyboard("{Alt>}{ArrowDown}{/Alt}");
  expect(names()).toEqual(["Rule b", "Rule c", "Rule a"]);
  await user.keyboard("{Alt>}{ArrowDown}{/Alt}");
  expect(names()).toEqual(["Rule b", "Rule c", "Rule a"]);
  expect(asked.some(({ what }) => what.startsWith("PUT"))).toBe(false);
  await user.click(screen.getByRole("button", { name: /^Save the order/ }));
  await waitFor(() => expect(asked.find(({ what }) => what.startsWith("PUT"))?.init).toMatchObject({ body: { forAppeals: false, ruleIds: ["b", "c", "a"] }, params: { header: { "If-Match": '"3"' } } }));
});

it("an order over rules that somebody changed is shown on what they are now before it is saved over them", async () => {
  let now = THREE;
  let refusals = 0;
  const asked = answering({
    "GET /v1/routing-rules": () => ({ items: now }),
    "PUT /v1/routing-rules/order": () => {
      if (refusals++ > 0) return { items: now, forAppeals: false, revision: 9 };
      now = [...THREE, rule("d", 4)];
      return Promise.reject(new ApiProblem("revision-mismatch" as never, 412));
    },
  });
  const user = userEvent.setup();
  render(<Page />, { wrapper: Around });
  await user.click(await screen.findByRole("button", { name: "Move Rule c up" }));
  await user.click(screen.getByRole("button", { name: /^Save the order/ }));
  expect(await screen.findByText(/The rules were changed meanwhile/)).toBeVisible();
  await waitFor(() => expect(names()).toEqual(["Rule a", "Rule c", "Rule d", "Rule b"]));
  await user.click(screen.getByRole("button", { name: /^Save the order/ }));
  await waitFor(() => expect(asked.filter(({ what }) => what.startsWith("PUT")).at(-1)?.init).toMatchObject({ body: { ruleIds: ["a", "c", "d", "b"] }, params: { header: { "If-Match": '"4"' } } }));
});

it("whoever may not change routing sees it, and why nothing can be moved", async () => {
  signedIn(["EDIT_MRT_QUEUES", "VIEW_MRT"]);
  answering({ "GET /v1/routing-rules": () => ({ items: THREE }) });
  render(<Page />, { wrapper: Around });
  expect(await screen.findByText("Rule b")).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Move/ })).toBeNull();
  expect(screen.getAllByText(/Changing routing needs the permission/)[0]).toBeVisible();
});

it("ids in a condition are called by their names, at any depth, and nothing else is changed", () => {
  const deep = { conjunction: "OR", conditions: [{ conjunction: "AND", conditions: [{ input: { type: "CONTENT_COOP_INPUT", name: "Relevant Policy" }, comparator: "EQUALS", threshold: "p1" }] }, { input: { type: "USER_ID" }, threshold: 3, matchingValues: { strings: ["p1", "p2"], textBankIds: ["p1"] } }] } as unknown as RoutingRule["conditionSet"];
  const said = JSON.stringify(named(deep, (id) => (id === "p1" ? "Threats" : null)));
  expect(said).toContain('"threshold":"Threats"');
  expect(said).toContain('"strings":["Threats","p2"],"textBankIds":["p1"]');
  expect(JSON.stringify(deep)).not.toContain("Threats");
});
