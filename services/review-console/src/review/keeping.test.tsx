import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import KeepDialog from "./keeping";

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn();
});

it("the people to give a job to are listed when they are asked for, and not over what is below", async () => {
  const asked = answering({ "GET /v1/people": () => ({ items: [{ id: "mina", name: "Mina", initials: "M", active: true }] }) });
  const job = { id: "job", queueId: "queue" } as Parameters<typeof KeepDialog>[0]["job"];
  render(<KeepDialog as="assign" job={job} lease={null} close={() => undefined} gone={() => undefined} />, { wrapper: Around });
  const field = await screen.findByRole("combobox", { name: "For whom" });
  await waitFor(() => expect(asked).not.toHaveLength(0));
  const user = userEvent.setup();
  field.blur();
  field.focus();
  expect(field).toHaveFocus();
  expect(screen.queryByRole("option")).toBeNull();
  await user.keyboard("{ArrowDown}");
  await user.click(await screen.findByRole("option", { name: "Mina" }));
  expect(field).toHaveValue("Mina");
});
