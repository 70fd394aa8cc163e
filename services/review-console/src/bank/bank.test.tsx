import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering, type Init } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { broadness, entriesWith, linesOf, type TextBank } from "./bank";
import { TextBankPage } from "./text-bank-page";

const { navigate } = vi.hoisted(() => ({ navigate: vi.fn() }));
vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#bank">{children as string}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useParams: () => ({ bankId: "b" }) }) }));

const AT = new Date().toISOString();
const bank = (strings: string[], more: Partial<TextBank> = {}): TextBank => ({ id: "b", name: "Giveaways", type: "STRING", strings, entryCount: strings.length, revision: 5, updatedAt: AT, updatedBy: "u", usedBy: [{ kind: "rule", id: "r", name: "Plain scams" }], usedByCount: 1, ...more });
const change = (more: object = {}) => ({ id: "b", revision: 6, entryCount: 1, added: 0, removed: 0, ...more });

/** jsdom's files cannot be read. */
const fileOf = (text: string, name: string) => Object.assign(new File([text], name), { text: () => Promise.resolve(text) });

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockClear();
  signedIn(["MUTATE_LIVE_RULES", "VIEW_RULES_DASHBOARD"]);
});

it("lines are entries: blank ones are none, the same one is one, and spaces within stay", () => {
  expect(linesOf("a b\r\n\n  \na b\n c ")).toEqual(["a b", " c "]);
});

it("entries are found in any case, and one that is there twice once", () => {
  expect(entriesWith(["Free Airdrop", "x", "free airdrop", "x"], "AIR")).toEqual([0, 2]);
  expect(entriesWith(["x", "y", "x"], "")).toEqual([0, 1]);
});

it("an entry of a letter or two is broad, a word of a script without letters is not", () => {
  expect(broadness("a")).toBe(1);
  expect(broadness("- !")).toBe(0);
  expect(broadness("spam")).toBeNull();
  expect(broadness("無料")).toBeNull();
});

it("of ten thousand entries only those in sight are in the page, and what is looked for is found among all", async () => {
  answering({ "GET /v1/text-banks/{document_id}": () => bank(Array.from({ length: 10_000 }, (_, at) => `entry ${at}`)) });
  render(<TextBankPage />, { wrapper: Around });
  expect(await screen.findByText("10,000 of 10,000")).toBeVisible();
  expect(document.querySelectorAll("tbody tr").length).toBeLessThan(200);
  fireEvent.change(screen.getByLabelText("Find an entry"), { target: { value: "9999" } });
  expect(await screen.findByText("1 of 10,000")).toBeVisible();
});

it("what hides in an entry is shown by its code", async () => {
  answering({ "GET /v1/text-banks/{document_id}": () => bank(["air\u200bdrop"]) });
  render(<TextBankPage />, { wrapper: Around });
  expect(await screen.findByText("U+200B")).toBeVisible();
});

it("an entry that is edited is removed and added in one change, and one that was removed can be had back", async () => {
  let strings = ["one", "two"];
  const asked = answering({
    "GET /v1/text-banks/{document_id}": () => bank(strings),
    "PATCH /v1/text-banks/{document_id}": ({ body }: Init) => {
      const { add = [], remove = [] } = body as { add?: string[]; remove?: string[] };
      strings = [...strings.filter((one) => !remove.includes(one)), ...add];
      return change({ added: add.length, removed: remove.length, entryCount: strings.length });
    },
  });
  const sent = () => asked.filter(({ what }) => what.startsWith("PATCH")).map(({ init }) => init.body);
  const user = userEvent.setup();
  render(<TextBankPage />, { wrapper: Around });
  await user.click(await screen.findByRole("button", { name: "Edit two" }));
  const field = await screen.findByRole("textbox", { name: "Entry" });
  await user.clear(field);
  await user.type(field, "three");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("button", { name: "Edit three" })).toBeVisible();
  expect(sent()).toEqual([{ add: ["three"], remove: ["two"] }]);
  await user.click(screen.getByRole("button", { name: "Remove one" }));
  await waitFor(() => expect(sent()[1]).toEqual({ add: [], remove: ["one"] }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Remove one" })).toBeNull());
});

it("a file is looked at before anything changes, and brought in over what was looked at; what it removes is asked about", async () => {
  const asked = answering({
    "GET /v1/text-banks/{document_id}": () => bank(["one", "two"]),
    "POST /v1/text-banks/{document_id}/import": ({ params }: Init) => change({ revision: params?.query?.dryRun === true ? 5 : 6, added: 1, removed: params?.query?.mode === "replace" ? 2 : 0, duplicates: 3, addedEntries: ["new one"], removedEntries: params?.query?.mode === "replace" ? ["one", "two"] : [], entryCount: 3 }),
  });
  const sent = () => asked.filter(({ what }) => what.endsWith("/import")).map(({ init }) => [init.params?.query, init.params?.header]);
  const user = userEvent.setup();
  render(<TextBankPage />, { wrapper: Around });
  await screen.findByText("2 of 2");
  await user.upload(document.querySelector<HTMLInputElement>('input[type="file"]') as HTMLInputElement, fileOf("new one", "new.csv"));
  expect(await screen.findByText("new one")).toBeVisible();
  await user.click(screen.getByText("Replace all"));
  await user.click(await screen.findByRole("button", { name: "Import: 1 new, 2 removed" }));
  const dialog = await screen.findByRole("dialog");
  expect(sent().every(([query]) => (query as { dryRun: boolean }).dryRun)).toBe(true);
  await user.click(within(dialog).getByRole("button", { name: "Replace all" }));
  await waitFor(() => expect(sent().at(-1)).toEqual([{ mode: "replace", dryRun: false }, { "If-Match": '"5"' }]));
});

it("a file over a bank that was changed since is looked at anew, and not brought in", async () => {
  let revision = 5;
  const asked = answering({
    "GET /v1/text-banks/{document_id}": () => bank(["one"]),
    "POST /v1/text-banks/{document_id}/import": ({ params }: Init) => {
      if (params?.query?.dryRun === true) return change({ revision, added: revision === 5 ? 1 : 2 });
      revision = 7;
      return Promise.reject(new ApiProblem("revision-mismatch" as never, 412));
    },
  });
  const user = userEvent.setup();
  render(<TextBankPage />, { wrapper: Around });
  await screen.findByText("1 of 1");
  await user.upload(document.querySelector<HTMLInputElement>('input[type="file"]') as HTMLInputElement, fileOf("x", "x.csv"));
  await user.click(await screen.findByRole("button", { name: "Import: 1 new" }));
  expect(await screen.findByText(/changed since the file was looked at/)).toBeVisible();
  expect(await screen.findByRole("button", { name: "Import: 2 new" })).toBeVisible();
  expect(asked.filter(({ what, init }) => what.endsWith("/import") && init.params?.query?.dryRun === false)).toHaveLength(1);
});

it("faults of a file are named with their place, and nothing can be brought in", async () => {
  answering({
    "GET /v1/text-banks/{document_id}": () => bank(["one"]),
    "POST /v1/text-banks/{document_id}/import": () => Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/44", reason: "nothing to match", code: "invalid" }] })),
  });
  const user = userEvent.setup();
  render(<TextBankPage />, { wrapper: Around });
  await screen.findByText("1 of 1");
  await user.upload(document.querySelector<HTMLInputElement>('input[type="file"]') as HTMLInputElement, fileOf("x", "x.csv"));
  expect(await screen.findByText("nothing to match")).toBeVisible();
  expect(screen.getByText("at 44")).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Import:/ })).toBeNull();
});

it("a name that somebody else changed meanwhile is not written over unseen", async () => {
  let name = "Giveaways";
  const asked = answering({ "GET /v1/text-banks/{document_id}": () => bank(["one"], { name }), "PUT /v1/text-banks/{document_id}": () => bank(["one"]) });
  const user = userEvent.setup();
  render(<TextBankPage />, { wrapper: Around });
  await user.click(await screen.findByRole("button", { name: "Name and about…" }));
  name = "Raffles";
  const field = await screen.findByRole("textbox", { name: "Name" });
  await user.clear(field);
  await user.type(field, "Lotteries");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/renamed it meanwhile/)).toBeVisible();
  await waitFor(() => expect(field).toHaveValue("Raffles"));
  expect(asked.some(({ what }) => what.startsWith("PUT"))).toBe(false);
});

it("whoever may not change banks sees them, and why not", async () => {
  signedIn(["VIEW_RULES_DASHBOARD"]);
  answering({ "GET /v1/text-banks/{document_id}": () => bank(["one"]) });
  render(<TextBankPage />, { wrapper: Around });
  expect(await screen.findByText(/Changing banks needs the permission/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Edit one" })).toBeNull();
  expect(screen.getByText("Plain scams")).toBeVisible();
});
