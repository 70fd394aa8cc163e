import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { barsOf, bodyOf, faultsOf, valuesOf, type Settings } from "./strike";
import { StrikesPage } from "./strikes-page";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => vi.fn() }));

const AT = new Date().toISOString();
const settings = (more: Partial<Settings> = {}): Settings => ({ id: "org", name: "Org", revision: 8, updatedAt: AT, updatedBy: "u", timeZone: "Europe/Berlin", userStrikeTtlDays: 90, userStrikeThresholds: [{ threshold: 5, actionIds: ["warn", "ban"], actionParameters: { warn: { text: "hi" }, ban: { days: 3 } } }], appealCallbackHeaderNames: ["X-Key"], ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("all else of the settings is sent back, secrets stay, and parameters go with their action", () => {
  const values = valuesOf(settings());
  const body = bodyOf({ ...values, userStrikeThresholds: [{ ...values.userStrikeThresholds[0], threshold: 7, actionIds: ["ban"] } as never] }, settings());
  expect(body).toMatchObject({ timeZone: "Europe/Berlin", appealCallbackHeaders: { "X-Key": null }, userStrikeThresholds: [{ threshold: 7, actionIds: ["ban"], actionParameters: { ban: { days: 3 } } }] });
  expect(JSON.stringify(body)).not.toContain("revision");
});

it("a threshold is a whole number, there once, and does something", () => {
  const row = (threshold: number | "", actionIds: string[] = ["a"]) => ({ threshold, actionIds, parameters: {} });
  expect(faultsOf([row(3), row(3), row(""), row(1.5), row(9, [])]).map(({ threshold, actionIds }) => [threshold !== null, actionIds !== null])).toEqual([[false, false], [true, false], [true, false], [true, false], [false, true]]);
});

it("bars cover every number up to the most, with nobody lost, however far it goes", () => {
  const items = [{ strikes: 1, users: 2 }, { strikes: 38, users: 1 }, { strikes: 400, users: 3 }];
  const bars = barsOf(items);
  expect(bars.length).toBeLessThanOrEqual(20);
  expect(bars.reduce((all, one) => all + one.users, 0)).toBe(6);
  expect(bars.at(-1)?.to).toBeGreaterThanOrEqual(400);
  for (const [at, bar] of bars.entries()) if (at > 0) expect(bar.from).toBe((bars[at - 1]?.to ?? 0) + 1);
  expect(barsOf([{ strikes: 2, users: 1 }])).toHaveLength(8);
  expect(barsOf([])).toEqual([]);
});

it("a threshold without an action is not sent, and says so at its row; a whole one is, over the revision that was read", async () => {
  const asked = answering({
    "GET /v1/settings": () => settings({ userStrikeThresholds: [] }),
    "GET /v1/actions": () => ({ items: [{ id: "ban", name: "Ban", actionType: "CUSTOM_ACTION", itemTypeIds: ["profile"] }, { id: "remove", name: "Remove", actionType: "CUSTOM_ACTION", itemTypeIds: ["post"] }] }),
    "GET /v1/item-types": () => ({ items: [{ id: "profile", kind: "USER", name: "Profile" }, { id: "post", kind: "CONTENT", name: "Post" }] }),
    "GET /v1/strikes/distribution": () => ({ items: [{ strikes: 2, users: 4 }] }),
    "GET /v1/strikes/threshold-actions": () => ({ items: [{ crossingId: "c", causeId: "d", crossedAt: AT, fellAt: null, threshold: 5, total: 6, user: { typeId: "t", id: "user-7" }, executions: [{ executionId: "e", actionId: "ban" }] }] }),
    "PUT /v1/settings": () => settings(),
  });
  const puts = () => asked.filter(({ what }) => what.startsWith("PUT"));
  const user = userEvent.setup();
  render(<StrikesPage />, { wrapper: Around });
  expect(await screen.findByText("user-7")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Threshold" }));
  await user.type(screen.getByLabelText("Threshold 1: strikes"), "5");
  await user.click(screen.getByRole("button", { name: /^Save/ }));
  expect(await screen.findByText("It needs an action")).toBeVisible();
  expect(puts()).toHaveLength(0);
  await user.click(screen.getByRole("combobox", { name: "Threshold 1: actions" }));
  const ban = await screen.findByRole("option", { name: "Ban" });
  expect(screen.queryByRole("option", { name: "Remove" })).toBeNull();
  await user.click(ban);
  await user.click(screen.getByRole("button", { name: /^Save/ }));
  await waitFor(() => expect(puts()[0]?.init).toMatchObject({ params: { header: { "If-Match": '"8"' } }, body: { userStrikeThresholds: [{ threshold: 5, actionIds: ["ban"] }] } }));
});
