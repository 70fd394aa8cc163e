import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, ME, signedIn } from "@/testing/page";

import { Keeping } from "./keeping";
import type { Tip } from "./query";

const TIP = { id: "tip-1", reportId: "7001", keepUntil: "2027-01-01T00:00:00Z", isDue: false, hold: null, destruction: null, destroyedAt: null } as unknown as Tip;
const ASKED = { state: "ASKED", ground: "LAW_ENFORCEMENT", reason: "Case 12", askedBy: "other", askedByPerson: { id: "other", name: "Sofia" }, askedAt: "2026-01-01T00:00:00Z", expiresAt: "2026-01-08T00:00:00Z", answeredByPerson: null } as unknown as NonNullable<Tip["destruction"]>;

const PLACE = "/v1/cybertips/{cybertip_id}";
const sent: { asked: string; body: unknown }[] = [];
beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["VIEW_CHILD_SAFETY_DATA"]);
  sent.length = 0;
  const noted = (asked: string) => ({ [asked]: ({ body }: { body: unknown }) => (sent.push({ asked, body: body ?? null }), { cybertip: TIP, attempts: [], calls: [] }) });
  answering(Object.assign({}, ...[`PUT ${PLACE}/hold`, `DELETE ${PLACE}/hold`, `POST ${PLACE}/destruction`, `POST ${PLACE}/destruction/confirm`, `POST ${PLACE}/destruction/refuse`].map(noted)) as Parameters<typeof answering>[0]);
});

const show = (more: Partial<Tip> = {}) => render(<Keeping tip={{ ...TIP, ...more }} />, { wrapper: Around });

it("before its time is over it is destroyed on request of law enforcement alone", async () => {
  show();
  fireEvent.click(screen.getByRole("button", { name: "Ask for its destruction" }));
  expect(await screen.findByLabelText(/It was kept as long/)).toBeDisabled();
  fireEvent.click(screen.getByRole("button", { name: "Ask for destruction" }));
  expect(await screen.findByText("It is needed.")).toBeVisible();
  expect(sent).toEqual([]);
  fireEvent.change(screen.getByLabelText(/^Reason/), { target: { value: " Case 12 " } });
  fireEvent.click(screen.getByRole("button", { name: "Ask for destruction" }));
  await waitFor(() => expect(sent).toEqual([{ asked: `POST ${PLACE}/destruction`, body: { ground: "LAW_ENFORCEMENT", reason: "Case 12" } }]));
});

it("somebody else confirms it, by its number, and who asked can only take it back", async () => {
  const { unmount } = show({ destruction: ASKED });
  fireEvent.click(screen.getByRole("button", { name: "Destroy it" }));
  fireEvent.change(await screen.findByLabelText("Number of the report"), { target: { value: "7002" } });
  fireEvent.click(screen.getByRole("button", { name: "Destroy it for good" }));
  expect(await screen.findByText("That is another number.")).toBeVisible();
  expect(sent).toEqual([]);
  fireEvent.change(screen.getByLabelText("Number of the report"), { target: { value: "7001" } });
  fireEvent.click(screen.getByRole("button", { name: "Destroy it for good" }));
  await waitFor(() => expect(sent.map((one) => one.asked)).toEqual([`POST ${PLACE}/destruction/confirm`]));
  unmount();
  show({ destruction: { ...ASKED, askedBy: ME } });
  expect(screen.queryByRole("button", { name: "Destroy it" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Take the request back" }));
  await waitFor(() => expect(sent.at(-1)?.asked).toBe(`POST ${PLACE}/destruction/refuse`));
});

it("what is held says why, can be lifted, and is not asked to be destroyed", async () => {
  show({ hold: { reason: "Case 9", placedBy: "x", placedByPerson: { id: "x", name: "Sofia" }, placedAt: "2026-01-01T00:00:00Z", until: null } as NonNullable<Tip["hold"]> });
  expect(screen.getByText("Case 9")).toBeVisible();
  expect(screen.getByText("by Sofia, until it is lifted")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Ask for its destruction" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Lift the hold" }));
  await waitFor(() => expect(sent).toEqual([{ asked: `DELETE ${PLACE}/hold`, body: null }]));
});

it("a day that is over holds nothing", async () => {
  show();
  fireEvent.click(screen.getByRole("button", { name: "Place a hold" }));
  fireEvent.change(await screen.findByLabelText(/^Why it is kept/), { target: { value: "Case 9" } });
  fireEvent.change(screen.getByLabelText(/^Until/), { target: { value: "2020-01-01" } });
  fireEvent.click(screen.getByRole("button", { name: "Hold it" }));
  expect(await screen.findByText("That day is over.")).toBeVisible();
  fireEvent.change(screen.getByLabelText(/^Until/), { target: { value: "" } });
  fireEvent.click(screen.getByRole("button", { name: "Hold it" }));
  await waitFor(() => expect(sent).toEqual([{ asked: `PUT ${PLACE}/hold`, body: { reason: "Case 9", until: null } }]));
});
