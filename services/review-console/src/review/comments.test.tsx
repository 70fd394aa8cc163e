import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { Comments } from "./comments";
import type { Context } from "./context";

const CONTEXT = { job: { id: "one", queueId: "q" }, comments: { count: 0, items: [] } } as unknown as Context;
const SEND = "POST /v1/jobs/{job_id}/comments";

beforeEach(() => {
  vi.restoreAllMocks();
  sessionStorage.clear();
  signedIn();
});

const show = () => render(<Comments context={CONTEXT} threaded={false} />, { wrapper: Around });

it("a comment that was begun is there after the page was loaded again, with whom it names", async () => {
  const asked = answering({ "GET /v1/people": () => ({ items: [{ id: "u1", name: "Ana Lima" }] }), [SEND]: () => ({ id: "c", body: "x", authorId: "me", author: null, createdAt: new Date().toISOString() }) });
  const before = show();
  await userEvent.type(screen.getByRole("textbox"), "Is this one yours, @Ana");
  await userEvent.click(await screen.findByText("Ana Lima"));
  before.unmount();
  show();
  expect(screen.getByRole("textbox")).toHaveValue("Is this one yours, @Ana Lima ");
  await userEvent.click(screen.getByRole("button", { name: /Comment/ }));
  await waitFor(() => expect(asked.find((one) => one.what === SEND)?.init.body).toEqual({ body: "Is this one yours, @Ana Lima", mentions: ["u1"] }));
  await waitFor(() => expect(screen.getByRole("textbox")).toHaveValue(""));
  expect(sessionStorage.getItem("coop.typed.comment.one")).toBeNull();
});
