import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, fits, type Exchange, type Offer } from "./exchange";
import { ExchangesPage } from "./exchanges-page";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a> }));

const AT = new Date().toISOString();
const field = (name: string, required = true) => ({ name, required });
const OFFERS: Offer[] = [
  { kind: "NCMEC", lack: "COOP_HMA_NCMEC_URL: the address of NCMEC's hash sharing", settings: [field("espIds", false)], credentials: [field("user"), field("password")] },
  { kind: "STOP_NCII", lack: null, settings: [], credentials: [field("fetchFunctionKey"), field("subscriptionKey")] },
  { kind: "THREAT_EXCHANGE", lack: null, settings: [field("privacyGroup")], credentials: [field("apiToken")] },
];
const exchange = (more: Partial<Exchange> = {}): Exchange => ({ id: "3", bankId: "h", kind: "THREAT_EXCHANGE", settings: { espIds: [], privacyGroup: "303", file: null }, condition: "FAILED", fault: "HMA says: no access", fetchedAt: null, hashes: 4120, hasCredentials: true, addedBy: "u", addedAt: AT, pause: null, ...more });
const BANKS = { items: [{ id: "h", name: "Known", hmaName: "K", enabledRatio: 1, revision: 1, updatedAt: AT, updatedBy: "u" }] };
const answers = (items: Exchange[], more: Parameters<typeof answering>[0] = {}, offers = OFFERS) => answering({ "GET /v1/hash-exchanges": () => ({ items, offers }), "GET /v1/hash-banks": () => BANKS, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MUTATE_LIVE_RULES", "VIEW_RULES_DASHBOARD"]);
});

it("settings are told as the server names them, and what does not fit is none", () => {
  const [ncmec, , meta] = OFFERS as [Offer, Offer, Offer];
  expect(bodyOf(ncmec, { espIds: "3, 12" }, { user: "me", password: "s" })).toEqual({ kind: "NCMEC", settings: { espIds: [3, 12] }, credentials: { user: "me", password: "s" } });
  expect(bodyOf(meta, { privacyGroup: " 303 " }, { apiToken: "" })).toEqual({ kind: "THREAT_EXCHANGE", settings: { privacyGroup: "303" }, credentials: {} });
  expect([fits("espIds", ""), fits("espIds", "1,2"), fits("espIds", "0"), fits("privacyGroup", "x"), fits("file", "../x"), fits("file", "list.txt")]).toEqual([true, true, false, false, false, true]);
});

it("each says how far it is, why it is not further, and which bank it fills", async () => {
  answers([exchange(), exchange({ id: "4", kind: "STOP_NCII", condition: "CURRENT", fault: null, fetchedAt: AT, hashes: null, hasCredentials: false, settings: { espIds: [], privacyGroup: null, file: null } })]);
  render(<ExchangesPage />, { wrapper: Around });
  const [first, second] = (await screen.findAllByRole("listitem")) as [HTMLElement, HTMLElement];
  expect(first).toHaveTextContent("the last try failed");
  expect(first).toHaveTextContent("HMA says: no access");
  expect(first).toHaveTextContent("group 303");
  expect(first).toHaveTextContent("4,120");
  expect(await within(first).findByText("Known")).toBeVisible();
  expect(second).toHaveTextContent("up to date");
  expect(second).toHaveTextContent("credentials are missing");
});

it("one is added with the fields of its kind; what is wrong stands at its field, and nothing was sent", async () => {
  const asked = answers([], {
    "POST /v1/hash-banks/{bank_id}/exchanges": () => Promise.reject(new ApiProblem("invalid", 422, { detail: "no", errors: [{ pointer: "/credentials/apiToken", reason: "must not have a NUL", code: "invalid" }] })),
  });
  const user = userEvent.setup();
  render(<ExchangesPage />, { wrapper: Around });
  expect(await screen.findByText("No exchange yet")).toBeVisible();
  await user.click(await screen.findByText("Meta ThreatExchange"));
  fireEvent.change(screen.getByLabelText(/^Privacy group/), { target: { value: "a group" } });
  await user.click(screen.getByRole("button", { name: "Add exchange" }));
  expect(await screen.findByText("Only digits, at most 20")).toBeVisible();
  expect(screen.getByText("It is needed")).toBeVisible();
  expect(asked.some(({ what }) => what.startsWith("POST"))).toBe(false);
  fireEvent.change(screen.getByLabelText(/^Privacy group/), { target: { value: "303" } });
  fireEvent.change(screen.getByLabelText(/^API token/), { target: { value: "secret" } });
  await user.click(screen.getByRole("button", { name: "Add exchange" }));
  expect(await screen.findByText("must not have a NUL")).toBeVisible();
  expect(asked.find(({ what }) => what.startsWith("POST"))?.init.body).toEqual({ kind: "THREAT_EXCHANGE", settings: { privacyGroup: "303" }, credentials: { apiToken: "secret" } });
});

it("a kind that lacks something of the operator says what, and cannot be added", async () => {
  answers([]);
  render(<ExchangesPage />, { wrapper: Around });
  await userEvent.click(await screen.findByText("NCMEC hash sharing"));
  expect((await screen.findAllByText(/COOP_HMA_NCMEC_URL/)).length).toBeGreaterThan(0);
  expect(screen.getByRole("button", { name: "Add exchange" })).toHaveAttribute("aria-disabled", "true");
});

it("where none can be added the reason stands once, without a form", async () => {
  answers([], {}, OFFERS.map((one) => ({ ...one, lack: "exchanges are fetched elsewhere: COOP_HMA_URL" })));
  render(<ExchangesPage />, { wrapper: Around });
  expect(await screen.findByText(/COOP_HMA_URL/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Add exchange" })).toBeNull();
});

it("credentials are replaced and never shown, and removing is asked about", async () => {
  const asked = answers([exchange()], {
    "PUT /v1/hash-banks/{bank_id}/exchanges/{exchange_id}/credentials": () => exchange(),
    "DELETE /v1/hash-banks/{bank_id}/exchanges/{exchange_id}": () => undefined,
  });
  const user = userEvent.setup();
  render(<ExchangesPage />, { wrapper: Around });
  await user.click(await screen.findByRole("button", { name: "Credentials…" }));
  const dialog = await screen.findByRole("dialog");
  const token = within(dialog).getByLabelText(/^API token/);
  expect(token).toHaveValue("");
  expect(token).toHaveAttribute("type", "password");
  await user.click(within(dialog).getByRole("button", { name: "Replace" }));
  expect(await within(dialog).findByText("It is needed")).toBeVisible();
  fireEvent.change(token, { target: { value: "another" } });
  await user.click(within(dialog).getByRole("button", { name: "Replace" }));
  await waitFor(() => expect(asked.find(({ what }) => what.startsWith("PUT"))?.init).toEqual({ params: { path: { bank_id: "h", exchange_id: "3" } }, body: { apiToken: "another" } }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await user.click(screen.getByRole("button", { name: "Remove…" }));
  expect(asked.some(({ what }) => what.startsWith("DELETE"))).toBe(false);
  await user.click(await screen.findByRole("button", { name: "Remove" }));
  await waitFor(() => expect(asked.some(({ what }) => what.startsWith("DELETE"))).toBe(true));
});

it("a paused one says so, since when, by whom and whether it holds; pausing is one press, and its refusal stands there", async () => {
  const by = { id: "u", name: "Ada" };
  const pauses = [true, false, null].map((holds) => ({ at: AT, by: "u", byPerson: by as never, holds }));
  let refused = false;
  const pressed: string[] = [];
  const press = (what: string) => () => {
    pressed.push(what);
    return refused ? Promise.reject(new ApiProblem("unavailable", 503, { detail: "no" })) : exchange();
  };
  answers([exchange({ condition: "CURRENT", fault: null }), ...pauses.map((pause, at) => exchange({ id: `p${at}`, condition: "CURRENT", fault: null, pause }))], {
    "POST /v1/hash-banks/{bank_id}/exchanges/{exchange_id}/pause": press("pause"),
    "POST /v1/hash-banks/{bank_id}/exchanges/{exchange_id}/resume": press("resume"),
  });
  render(<ExchangesPage />, { wrapper: Around });
  const [free, held, still, unsure] = (await screen.findAllByRole("listitem")) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  expect(free).not.toHaveTextContent("paused");
  expect(held).toHaveTextContent(/paused: nothing is fetched.*by Ada/);
  expect(still).toHaveTextContent("paused, and still being fetched");
  expect(unsure).toHaveTextContent("paused; nobody says");
  await userEvent.click(within(free).getByRole("button", { name: "Pause" }));
  await userEvent.click(within(held).getByRole("button", { name: "Resume" }));
  await waitFor(() => expect(pressed).toEqual(["pause", "resume"]));
  refused = true;
  await userEvent.click(within(free).getByRole("button", { name: "Pause" }));
  expect(await within(free).findByRole("alert")).toBeVisible();
});

it("who may not change banks sees how far they are, and no button", async () => {
  signedIn(["VIEW_RULES_DASHBOARD"]);
  answers([exchange()]);
  render(<ExchangesPage />, { wrapper: Around });
  expect(await screen.findByText("the last try failed")).toBeVisible();
  expect(screen.queryAllByRole("button")).toEqual([]);
});
