import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import type { Batch, Body } from "./batch";
import { BatchPanel } from "./batch-panel";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: ReactNode }) => <a href="/job">{children}</a> }));

const POST = "POST /v1/batch-decisions";
const GET = "GET /v1/batch-decisions/{batch_id}";
const done = vi.fn<(ids: readonly string[]) => void>();

const batch = (id: string, state: "WAITING" | "DECIDED" | "REFUSED", jobIds = ["a", "b"]): Batch =>
  ({ id, undoneAt: null, madeAt: "", madeBy: "me", jobs: jobIds.map((jobId) => ({ jobId, state, decisionId: null, errors: [], reason: null })) }) as Batch;

beforeEach(() => {
  vi.restoreAllMocks();
  done.mockReset();
  signedIn();
  queries.setQueryData(["configuration", "item-types"], []);
});

function Panel({ jobIds }: { jobIds: string[] }) {
  return <BatchPanel queueId="q" jobIds={jobIds} typeIds={["t"]} nameOf={(id) => (id === "a" ? "Buy gold now" : null)} close={() => undefined} done={done} />;
}

async function choose() {
  await userEvent.click(screen.getByRole("checkbox", { name: /No violation/ }));
  await userEvent.type(screen.getByRole("textbox"), "All the same.");
}

it("picking one more keeps what was entered", async () => {
  answering({});
  const view = render(<Panel jobIds={["a"]} />, { wrapper: Around });
  await choose();
  view.rerender(<Panel jobIds={["a", "b"]} />);
  expect(screen.getByRole("textbox")).toHaveValue("All the same.");
  expect(screen.getByRole("checkbox", { name: /No violation/ })).toBeChecked();
  expect(screen.getByRole("button", { name: /Decide all 2/ })).toBeVisible();
});

it("what was refused on its way and is tried again is the same batch", async () => {
  let tries = 0;
  const asked = answering({
    [POST]: ({ body }) => {
      tries += 1;
      return tries === 1 ? Promise.reject(new ApiProblem("internal", 500)) : batch((body as Body).id, "DECIDED");
    },
  });
  render(<Panel jobIds={["a", "b"]} />, { wrapper: Around });
  await choose();
  await userEvent.click(screen.getByRole("button", { name: /Decide all 2/ }));
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("2 decided")).toBeVisible();
  const sent = asked.filter((one) => one.what === POST).map((one) => one.init.body as Body);
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual(sent[0]);
  expect(done).toHaveBeenCalledWith(["a", "b"]);
});

it("another decision after a refusal is another batch", async () => {
  const asked = answering({ [POST]: () => Promise.reject(new ApiProblem("internal", 500)) });
  render(<Panel jobIds={["a", "b"]} />, { wrapper: Around });
  await choose();
  await userEvent.click(screen.getByRole("button", { name: /Decide all 2/ }));
  await screen.findByRole("button", { name: "Try again" });
  await userEvent.type(screen.getByRole("textbox"), " Really.");
  await userEvent.click(screen.getByRole("button", { name: /Decide all 2/ }));
  await waitFor(() => expect(asked.filter((one) => one.what === POST)).toHaveLength(2));
  const [first, second] = asked.filter((one) => one.what === POST).map((one) => (one.init.body as Body).id);
  expect(second).not.toBe(first);
});

it("it is told how far it is, also where the way there breaks", async () => {
  const states = [() => Promise.reject(new ApiProblem("unavailable", 503, {}, 0.01)), () => batch("x", "DECIDED")];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  answering({ [POST]: ({ body }) => batch((body as Body).id, "WAITING"), [GET]: async () => (await held, states.shift()?.()) });
  render(<Panel jobIds={["a", "b"]} />, { wrapper: Around });
  await choose();
  await userEvent.click(screen.getByRole("button", { name: /Decide all 2/ }));
  expect(await screen.findByText("2 to go")).toBeVisible();
  release();
  expect(await screen.findByText("2 decided", {}, { timeout: 5000 })).toBeVisible();
});

it("what was left is named by its words", async () => {
  answering({ [POST]: ({ body }) => batch((body as Body).id, "REFUSED") });
  render(<Panel jobIds={["a", "b"]} />, { wrapper: Around });
  await choose();
  await userEvent.click(screen.getByRole("button", { name: /Decide all 2/ }));
  expect(await screen.findByRole("link", { name: "Buy gold now" })).toBeVisible();
  expect(screen.getByRole("link", { name: "Open the job" })).toBeVisible();
});

it("where nothing is picked nothing can be sent", async () => {
  const asked = answering({});
  render(<Panel jobIds={[]} />, { wrapper: Around });
  await choose();
  await userEvent.click(screen.getByRole("button", { name: /Decide all 0/ }));
  expect(screen.getByText("Pick jobs in the list")).toBeVisible();
  expect(asked.filter((one) => one.what === POST)).toEqual([]);
});
