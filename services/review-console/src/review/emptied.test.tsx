import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { Emptied } from "./emptied";

const navigate = vi.hoisted(() => vi.fn());
vi.mock("@tanstack/react-router", () => ({ useNavigate: () => navigate, Link: ({ to, children }: { to: string; children: ReactNode }) => <a href={to}>{children}</a> }));

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockReset();
  signedIn();
});

const show = (why: Parameters<typeof Emptied>[0]["why"]) => render(<Emptied queueId="q" name="Spam" why={why} />, { wrapper: Around });

it("says that all is done only where nothing waits", () => {
  answering({});
  show("EMPTY");
  expect(screen.getByRole("heading")).toHaveTextContent("All caught up in Spam");
});

it("says why there is no next job, and asks again where that passes", async () => {
  const asked = answering({ "POST /v1/queues/{queue_id}/claims": () => ({ job: { id: "two" }, lease: { token: "t", expiresAt: new Date().toISOString(), openedAt: null } }) });
  show("unavailable");
  expect(screen.getByRole("heading")).not.toHaveTextContent("caught up");
  expect(screen.getByText(/part of the system is away/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: /Ask again/ }));
  await waitFor(() => expect(navigate).toHaveBeenCalledWith({ to: "/jobs/$jobId", params: { jobId: "two" } }));
  expect(asked.at(-1)?.init.params?.path).toEqual({ queue_id: "q" });
});

it("a paused queue is said to be paused", () => {
  answering({});
  show("queue-paused");
  expect(screen.getByText(/Spam is paused/)).toBeVisible();
  expect(screen.getByRole("link", { name: "To the queues" })).toBeVisible();
});

it("whoever holds as many as one may goes on with one of them", async () => {
  answering({ "GET /v1/claims": () => ({ items: [{ job: { id: "held", queueId: "q" }, lease: { token: "t", expiresAt: new Date(Date.now() + 60_000).toISOString(), openedAt: new Date().toISOString() } }] }) });
  queries.setQueryData(["configuration", "queues"], [{ id: "q", name: "Spam" }]);
  show("too-many-claims");
  await userEvent.click(await screen.findByRole("button", { name: /Go on in Spam/ }));
  expect(navigate).toHaveBeenCalledWith({ to: "/jobs/$jobId", params: { jobId: "held" } });
});

it("a next one that is refused later is said too", async () => {
  answering({ "POST /v1/queues/{queue_id}/claims": () => Promise.reject(new ApiProblem("queue-paused", 409)) });
  show("unavailable");
  await userEvent.click(screen.getByRole("button", { name: /Ask again/ }));
  expect(await screen.findByText(/Spam is paused/)).toBeVisible();
});
