import { render, screen, within } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { OperationsPage } from "./operations-page";

vi.mock("@tanstack/react-router", () => ({ Link: ({ to, search, children }: { to: string; search?: object; children: string }) => <a href={to + JSON.stringify(search ?? {})}>{children}</a> }));

const AT = "2026-11-30T12:00:00Z";
const person = { id: "u", name: "Leila", initials: "L", active: true };
const bulk = (id: string, state: string, more: object = {}) => ({ id, state, note: `note ${id}`, total: 10, requested: 4, refused: 1, createdAt: AT, createdBy: "u", createdByPerson: person, ...more });
const counts = { scanned: 900, passed: 7 };
const retro = { id: "x", state: "AWAITING_CONFIRMATION", ruleId: "r1", rule: { name: "Scams" }, preview: { progress: 1, counts }, run: null, createdAt: AT, createdBy: "u", createdByPerson: person };
const test = (id: string, state: string) => ({ id, state, ruleId: "r2", rule: { name: "Spam" }, progress: 0.42, counts, createdAt: AT, createdBy: "u", createdByPerson: person });
const endpoint = (name: string, more: object = {}) => ({ id: name, name, state: "CLOSED", failingSince: null, dead: 0, ...more });
const letters = (topics: object[] = []) => ({ countedAt: AT, topics });
const lines = { "GET /v1/dead-letters": () => letters() };
const part = (name: string) => screen.findByRole("region", { name });

beforeEach(() => signedIn(["MANAGE_ORG", "MANUALLY_ACTION_CONTENT", "RUN_BACKTEST", "RUN_RETROACTION", "VIEW_MRT_DATA"]));

it("has what waits for a person apart from what runs, and nothing that has ended", async () => {
  answering({
    ...lines,
    "GET /v1/bulk-actions": () => ({ items: [bulk("one", "RUNNING"), bulk("two", "PREVIEW"), bulk("three", "PAUSED"), bulk("four", "COMPLETE"), bulk("five", "CANCELLED")] }),
    "GET /v1/backtests": () => ({ items: [test("b1", "RUNNING"), test("b2", "FAILED")] }),
    "GET /v1/retroactions": () => ({ items: [retro, { ...retro, id: "y", state: "COMPLETE" }] }),
  });
  render(<OperationsPage />, { wrapper: Around });
  const waits = await part("Waiting for a person");
  expect(await within(waits).findByText("10 items to be confirmed")).toBeVisible();
  expect(within(waits).getByText("paused at 5 of 10")).toBeVisible();
  expect(within(waits).getByText("7 past items to be confirmed")).toBeVisible();
  const runs = await part("Running now");
  expect(within(runs).getByText("50%")).toBeVisible();
  expect(within(runs).getByText("42%")).toBeVisible();
  expect(within(runs).getByRole("link", { name: "Bulk action" })).toHaveAttribute("href", '/bulk-actions{"id":"one"}');
  expect(within(waits).getAllByRole("listitem")).toHaveLength(3);
  expect(within(runs).getAllByRole("listitem")).toHaveLength(2);
  expect(within(runs).getByText(/Not shown, for want of the permission .*: Erasure/)).toBeVisible();
});

it("names only the addresses that are in trouble, and leads to what was given up", async () => {
  answering({ ...lines, "GET /v1/endpoints": () => ({ items: [endpoint("fine"), endpoint("broken", { state: "OPEN", failingSince: AT, dead: 3 }), endpoint("held", { state: "PAUSED" }), endpoint("shaky", { failingSince: AT })] }) });
  render(<OperationsPage />, { wrapper: Around });
  const deliveries = await part("Deliveries");
  expect(await within(deliveries).findByText("broken")).toBeVisible();
  expect(within(deliveries).getByText("3 given up")).toBeVisible();
  expect(within(deliveries).getByText("held")).toBeVisible();
  expect(within(deliveries).getByText("shaky").closest("li")).toHaveTextContent(/shaky ?fails ?since/);
  expect(within(deliveries).queryByText("fine")).toBeNull();
  expect(within(deliveries).getByRole("link", { name: "Those that were given up" })).toHaveAttribute("href", '/settings/deliveries{"state":"DEAD"}');
});

it("a list that cannot be had is said, and the others are there", async () => {
  answering({ ...lines, "GET /v1/backtests": () => Promise.reject(new ApiProblem("unavailable", 503, { detail: "the database is away" })), "GET /v1/bulk-actions": () => ({ items: [bulk("one", "RUNNING")] }) });
  render(<OperationsPage />, { wrapper: Around });
  expect(await within(await part("Waiting for a person")).findByRole("alert")).toHaveTextContent(/A part of the system is away/);
  expect(within(await part("Running now")).getByText("note one")).toBeVisible();
});

it("counts dead letters at their topics, those that wait first, and leaves out topics that have none", async () => {
  const topic = (name: string, kept: number, waiting: number) => ({ topic: name, letters: kept, waiting, readBy: ["routing", "hma-bridge"] });
  answering({ "GET /v1/dead-letters": () => letters([topic("coop.items.v1", 4, 0), topic("coop.config.v1", 0, 0), topic("coop.reports.v1", 1200, 3)]) });
  render(<OperationsPage />, { wrapper: Around });
  const dead = await part("Dead letters");
  const rows = (await within(dead).findAllByRole("row")).slice(1).map((row) => within(row).getAllByRole("cell").map(({ textContent }) => textContent));
  expect(rows).toEqual([
    ["coop.reports.v1", "routing, hma-bridge", "1,200", "3"],
    ["coop.items.v1", "routing, hma-bridge", "4", "0"],
  ]);
  expect(within(dead).queryByText("No service laid anything aside.")).toBeNull();
});

it("a broker that does not say how many there are is said, and what to do about dead letters stays", async () => {
  answering({ "GET /v1/dead-letters": () => Promise.reject(new ApiProblem("unavailable", 503, { detail: "the broker does not say" })) });
  render(<OperationsPage />, { wrapper: Around });
  const dead = await part("Dead letters");
  expect(await within(dead).findByRole("alert")).toBeVisible();
  expect(within(dead).getByText("coop dlq replay")).toBeVisible();
});
