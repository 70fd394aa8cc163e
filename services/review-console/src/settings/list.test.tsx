import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { Around, signedIn } from "@/testing/page";
import type { ReactNode } from "react";

import { listQuery, ListSearch, type ListAsked, type Told } from "./documents";
import { DocumentList } from "./list";

vi.mock("@tanstack/react-router", () => ({ Link: ({ to, children }: { to: string; children: ReactNode }) => <a href={to}>{children}</a> }));

type Row = Told & { name: string };
const row = (name: string): Row => ({ id: name, name, revision: 1, updatedAt: new Date().toISOString(), usedByCount: 2 });

beforeEach(() => {
  signedIn(["MANAGE_ORG"]);
});

function shown(search: ListSearch, page: (asked: ListAsked) => { items: Row[]; nextCursor?: string }) {
  const asked: ListAsked[] = [];
  const go = vi.fn();
  const open = vi.fn();
  const query = listQuery<Row>("things", search, (one) => {
    asked.push(one);
    return Promise.resolve(page(one));
  });
  render(<DocumentList id="things" title="Things" newName="New thing" query={query} search={search} go={go} to={(id) => `/things/${id}`} open={open} columns={[]} empty={<p>What a thing is for</p>} />, { wrapper: Around });
  return { asked, go, open };
}

it("asks the server for what the address says, and for the next page from where the last one ended", async () => {
  const { asked } = shown({ q: "sp", sort: "updated" }, ({ cursor }) => (cursor ? { items: [row("b")] } : { items: [row("a")], nextCursor: "c1" }));
  await userEvent.click(await screen.findByRole("button", { name: "Load more" }));
  expect(await screen.findByText("b")).toBeVisible();
  expect(asked).toEqual([
    { q: "sp", sort: "updated", include: "usage", limit: 50, cursor: undefined },
    { q: "sp", sort: "updated", include: "usage", limit: 50, cursor: "c1" },
  ]);
  expect(screen.getByRole("columnheader", { name: "Changed" })).toHaveAttribute("aria-sort", "descending");
});

it("what is typed and how it is sorted go into the address", async () => {
  const { go } = shown({}, () => ({ items: [row("a")] }));
  await screen.findByText("a");
  await userEvent.type(screen.getByLabelText("Name or id"), " spam ");
  await waitFor(() => expect(go).toHaveBeenCalledWith({ q: "spam" }));
  await userEvent.click(screen.getByRole("button", { name: /Changed/ }));
  expect(go).toHaveBeenLastCalledWith({ sort: "updated" });
});

it("nothing yet teaches; nothing that fits says what was looked for", async () => {
  shown({}, () => ({ items: [] }));
  expect(await screen.findByText("What a thing is for")).toBeVisible();
});

it("nothing that fits says what was looked for, and shows all again", async () => {
  const { go } = shown({ q: "zz" }, () => ({ items: [] }));
  expect(await screen.findByText(/“zz”/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Show all" }));
  expect(go).toHaveBeenCalledWith({ q: undefined });
});

it("a broken address is the list as it usually is", () => {
  expect(ListSearch.parse({ q: "", sort: "size" })).toEqual({ q: undefined, sort: undefined });
});

it("a row is opened where it is", async () => {
  const { open } = shown({}, () => ({ items: [row("a"), row("b")] }));
  const cell = await screen.findByText("b");
  act(() => fireEvent.doubleClick(cell.closest("tr") as HTMLElement));
  expect(open).toHaveBeenCalledWith("b");
});
