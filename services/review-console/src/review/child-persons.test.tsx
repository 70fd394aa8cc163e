import { fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { beforeEach, expect, it, vi } from "vitest";

import { Around, signedIn } from "@/testing/page";

import { knownPersons, Persons } from "./child-persons";
import type { Context } from "./context";
import { bodyOf, keptOf, NO_REPORT, reportOf, type Person } from "./report";

const by = (id: string, displayName: string | null = null) => ({ creator: { id, typeId: "user", displayName } }) as unknown as Context["additionalItems"][number];
const CONTEXT = { job: { itemId: "ana", itemTypeId: "user" }, item: { creator: null }, thread: { items: [by("bo", "Bo"), by("ana")] }, additionalItems: [by("bo"), by("child-7")], earlierItems: [] } as unknown as Context;

beforeEach(() => signedIn());

const put = vi.fn<(next: readonly Person[]) => void>();
const now = () => put.mock.lastCall?.[0] ?? [];

function Held() {
  const [persons, set] = useState<readonly Person[]>([]);
  put.mockImplementation(set);
  return <Persons context={CONTEXT} of="victims" persons={persons} put={put} />;
}

it("who wrote in what came with the job is offered, once and by name, and not who is reported", () => {
  const items = [CONTEXT.item, ...CONTEXT.thread.items, ...CONTEXT.additionalItems];
  expect(knownPersons(CONTEXT, items)).toEqual([
    { user: { id: "bo", typeId: "user" }, name: "Bo" },
    { user: { id: "child-7", typeId: "user" }, name: null },
  ]);
});

it("a victim is named by an id, with what is known of them, and can be taken out again", () => {
  render(<Held />, { wrapper: Around });
  fireEvent.click(screen.getByRole("button", { name: "Add a victim" }));
  expect(screen.getByText("Whose account?")).toBeVisible();
  fireEvent.change(screen.getByPlaceholderText("Id of the account"), { target: { value: "ana" } });
  expect(screen.getByText("That is who is reported.")).toBeVisible();
  fireEvent.change(screen.getByPlaceholderText("Id of the account"), { target: { value: "child-7" } });
  fireEvent.change(screen.getByLabelText("Age"), { target: { value: "11" } });
  fireEvent.change(screen.getByLabelText(/What is known of them/), { target: { value: " Says so. " } });
  const report = { ...NO_REPORT, victims: now() };
  expect(bodyOf(report).victims).toEqual([{ user: { id: "child-7", typeId: "user" }, age: 11, notes: "Says so." }]);
  expect(reportOf(keptOf(report)).victims).toEqual(now());
  fireEvent.click(screen.getByRole("button", { name: "Take them out" }));
  expect(now()).toEqual([]);
});
