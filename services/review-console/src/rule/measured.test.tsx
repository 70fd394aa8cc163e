import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { MeasuredPart } from "./measured";

vi.mock("@tanstack/react-router", () => ({ Link: ({ to, params, children }: { to: string; params?: { jobId: string }; children: string }) => <a href={to.replace("$jobId", params?.jobId ?? "")}>{children}</a> }));

const AT = "2026-11-30T12:00:00Z";
const measured: Schema["MeasuredView"] = {
  labelled: 14, undecided: 1, matchedActed: 8, matchedLeft: 2, missedActed: 0, missedLeft: 1,
  precision: { share: 0.8, low: 0.4902, high: 0.9433 },
  recall: { share: 1, low: 0.6756, high: 1 },
};
const label = (id: string, acted: boolean) => ({ item: { id, typeId: "post" }, jobId: `job-${id}`, acted, passed: !acted, decidedAt: AT });
const open = (one: Schema["MeasuredView"] | null) => render(<MeasuredPart id="b1" at={AT} measured={one} />, { wrapper: Around });

beforeEach(() => signedIn(["RUN_BACKTEST", "VIEW_MRT"]));

it("says both shares with what they are of and how sure they are, and what was read", async () => {
  answering({ "GET /v1/backtests/{backtest_id}/labels": () => ({ items: [], nextCursor: null }) });
  open(measured);
  const part = await screen.findByRole("region", { name: "Against what people decided" });
  expect(within(part).getByText("80.0%")).toBeVisible();
  expect(within(part).getByText(/people acted on 8 of the 10 it matches/)).toHaveTextContent("95 %: 49.0% to 94.3%");
  expect(within(part).getByText(/matches 8 of the 8 that people acted on/)).toHaveTextContent("95 %: 67.6% to 100.0%");
  expect(within(part).getByText(/12 of the 14 newest items that people decided/)).toBeVisible();
});

it("lists what the two say differently, each with its job; another kind is asked for when it is chosen", async () => {
  const asked = answering({ "GET /v1/backtests/{backtest_id}/labels": ({ params }) => ({ items: params?.query?.agreement === "MATCHED_LEFT" ? [label("one", false)] : [label("two", true)], nextCursor: null }) });
  open(measured);
  expect(await screen.findByRole("link", { name: "people left it: the job" })).toHaveAttribute("href", "/jobs/job-one");
  await userEvent.click(screen.getByRole("radio", { name: "Missed 0" }));
  expect(await screen.findByRole("link", { name: "people acted: the job" })).toHaveAttribute("href", "/jobs/job-two");
  expect(asked.map(({ init }) => init.params?.query?.["agreement"])).toEqual(["MATCHED_LEFT", "MISSED_ACTED"]);
});

it("who may see no jobs is not led to one", async () => {
  signedIn(["RUN_BACKTEST"]);
  answering({ "GET /v1/backtests/{backtest_id}/labels": () => ({ items: [label("one", false)], nextCursor: null }) });
  open(measured);
  expect(await screen.findByText("people left it")).toBeVisible();
  expect(screen.queryByRole("link", { name: /the job/ })).toBeNull();
});

it("without decisions it says that nothing can be said; without a share there is no interval", async () => {
  answering({ "GET /v1/backtests/{backtest_id}/labels": () => ({ items: [], nextCursor: null }) });
  const { unmount } = open(null);
  expect(screen.getByText(/cannot be said/)).toBeVisible();
  unmount();
  open({ ...measured, matchedActed: 0, matchedLeft: 0, precision: null, recall: { share: 0, low: 0, high: 0.3 } });
  expect(await screen.findByText(/0 of the 0 it matches/)).not.toHaveTextContent("95 %");
});
