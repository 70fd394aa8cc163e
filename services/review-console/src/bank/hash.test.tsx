import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { answering, type Init } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, hashLines, importHashes, kindOfHash, valuesOf, type HashBank, type Progress } from "./hash";
import { HashBankPage } from "./hash-bank-page";

const { navigate } = vi.hoisted(() => ({ navigate: vi.fn() }));
vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#item">{children as string}</a>, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useParams: () => ({ bankId: "h" }) }) }));

const AT = new Date().toISOString();
const PDQ = "0f".repeat(32);
const MD5 = "ab".repeat(16);
const bank = (more: Partial<HashBank> = {}): HashBank => ({ id: "h", name: "Known", hmaName: "K", enabledRatio: 0.07, revision: 3, updatedAt: AT, updatedBy: "u", usedBy: [], usedByCount: 0, ...more });

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MUTATE_LIVE_RULES", "VIEW_RULES_DASHBOARD", "VIEW_MRT"]);
});

it("a share is per cent here and a part there, to the last digit", () => {
  for (const share of [0, 0.07, 0.29, 1]) expect(bodyOf(valuesOf(bank({ enabledRatio: share }))).enabledRatio).toBeCloseTo(share, 10);
});

it("hashes are told by their length; lines may have a note, and the first that is none is named", () => {
  expect([kindOfHash(PDQ), kindOfHash(MD5.toUpperCase()), kindOfHash("xyz"), kindOfHash(PDQ.slice(1))]).toEqual(["pdq", "md5", null, null]);
  expect(hashLines(`${PDQ}, seen, twice\n\n${MD5.toUpperCase()}`)).toEqual({ hashes: [{ hash: PDQ, note: "seen, twice" }, { hash: MD5, note: "" }], wrong: null });
  expect(hashLines(`${PDQ}\nnope`).wrong).toBe(2);
});

it("an import's steps are told as they come, however its lines are cut", async () => {
  const line = (done: number, finished = false) => `${JSON.stringify({ rows: 3, done, added: done, known: 0, finished })}\n`;
  const whole = line(1) + line(2) + line(3, true);
  const stream = new ReadableStream({
    start(to) {
      for (let at = 0; at < whole.length; at += 7) to.enqueue(new TextEncoder().encode(whole.slice(at, at + 7)));
      to.close();
    },
  });
  answering({ "POST /v1/hash-banks/{bank_id}/hashes/import": () => stream });
  const told: Progress[] = [];
  await importHashes("h", new File(["x"], "x.csv"), (one) => told.push(one));
  expect(told.map(({ done }) => done)).toEqual([1, 2, 3]);
  expect(told.at(-1)?.finished).toBe(true);
});

it("copies are counted first, and what is put into a queue is what was counted", async () => {
  const asked = answering({
    "GET /v1/hash-banks/{document_id}": () => bank(),
    "GET /v1/queues": () => ({ items: [{ id: "q", name: "Pictures" }] }),
    "GET /v1/hash-bank-sizes": () => ({ banks: [{ bankId: "h", active: 2, disabled: 0 }] }),
    "POST /v1/hash-banks/{bank_id}/copies": () => ({ copies: [{ distance: 0, identical: true, field: "images", kind: "IMAGE", seenAt: AT, submissionId: "s", item: { typeId: "t", id: "post-1" } }], items: 1, media: 1, since: AT, until: AT }),
    "POST /v1/hash-banks/{bank_id}/copies/jobs": () => ({ items: 1 }),
  });
  const user = userEvent.setup();
  render(<HashBankPage />, { wrapper: Around });
  fireEvent.change((await screen.findAllByRole("textbox", { name: "A hash" })).at(-1) as HTMLElement, { target: { value: PDQ } });
  await user.click(screen.getByRole("button", { name: "Look for copies" }));
  expect(await screen.findByText("post-1")).toBeVisible();
  await user.click(screen.getByRole("combobox", { name: "Review them in" }));
  await user.click(await screen.findByRole("option", { name: "Pictures" }));
  fireEvent.change(screen.getByLabelText(/^Somebody asked for its removal/), { target: { value: "2026-01-02T03:04" } });
  await user.click(screen.getByRole("button", { name: "Put 1 item into the queue" }));
  expect(asked.some(({ what }) => what.endsWith("/copies/jobs"))).toBe(false);
  await user.click((await screen.findAllByRole("button", { name: "Put 1 item into the queue" })).at(-1) as HTMLElement);
  await waitFor(() => expect(asked.find(({ what }) => what.endsWith("/copies/jobs"))?.init.body).toMatchObject({ hash: PDQ, items: 1, queueId: "q", since: AT, until: AT, noticedAt: new Date("2026-01-02T03:04").toISOString() }));
});

it("picked hashes are disabled, those that are disabled can be enabled, and removing is asked about", async () => {
  const sent: unknown[] = [];
  const row = (id: string, state: string) => ({ id, bankId: "h", algorithm: "md5", hash: MD5, state, note: "", source: "HASHES", addedBy: "u", addedAt: AT });
  answering({
    "GET /v1/hash-banks/{document_id}": () => bank(),
    "GET /v1/hash-bank-sizes": () => ({ banks: [] }),
    "GET /v1/hash-banks/{bank_id}/hashes": () => ({ items: [row("1", "ACTIVE"), row("2", "DISABLED")] }),
    "POST /v1/hash-banks/{bank_id}/hashes/changes": ({ body }: Init) => {
      sent.push(body);
      return { changed: 1 };
    },
  });
  const user = userEvent.setup();
  render(<HashBankPage />, { wrapper: Around });
  await user.click(await screen.findByRole("checkbox", { name: "Select all shown" }));
  await user.click(await screen.findByRole("button", { name: "Remove 2…" }));
  expect(sent).toEqual([]);
  await user.click(await screen.findByRole("button", { name: "Remove" }));
  await waitFor(() => expect(sent).toEqual([{ ids: ["1", "2"], state: "REMOVED" }]));
});

it("a file of hashes with faults names their lines", async () => {
  answering({
    "GET /v1/hash-banks/{document_id}": () => bank(),
    "GET /v1/hash-bank-sizes": () => ({ banks: [] }),
    "POST /v1/hash-banks/{bank_id}/hashes/import": () => Promise.reject(new ApiProblem("invalid", 422, { errors: [{ pointer: "/7", reason: "is no hash", code: "invalid" }] })),
  });
  const user = userEvent.setup();
  render(<HashBankPage />, { wrapper: Around });
  await user.click(await screen.findByText("A CSV"));
  await user.upload(document.querySelector<HTMLInputElement>('input[accept=".csv,text/csv"]') as HTMLInputElement, new File(["x"], "x.csv", { type: "text/csv" }));
  expect(await screen.findByText("is no hash")).toBeVisible();
  expect(screen.getByText("line 7")).toBeVisible();
});
