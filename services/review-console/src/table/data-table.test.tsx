import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, it } from "vitest";

import { preference, prefer } from "@/preference/preference";

import { DataTable, type Sort } from "./data-table";
import { NOTHING, type Selection } from "./selection";

interface Row {
  readonly id: string;
  readonly size: number;
}
const ROWS: readonly Row[] = ["a", "b", "c", "d"].map((id, size) => ({ id, size }));
const COLUMNS = [
  { id: "name", header: "Name", cell: (row: Row) => row.id, sortable: true },
  { id: "size", header: "Size", cell: (row: Row) => row.size, numeric: true, width: 80 },
];

function Table({ told, gather }: { told: (sort: Sort, selection: Selection) => void; gather?: () => Promise<{ ids: string[]; isCut: boolean }> }) {
  const [sort, setSort] = useState<Sort>({ by: "name", descending: false });
  const [selection, select] = useState(NOTHING);
  told(sort, selection);
  const more = { hasNextPage: true, isFetchingNextPage: false, fetchNextPage: () => undefined };
  return (
    <MantineProvider env="test">
      <DataTable id="test" caption="Rows" columns={COLUMNS} rows={ROWS} rowId={(row) => row.id} sort={sort} onSort={setSort} selection={selection} onSelect={select} more={more} matching={gather ? { count: null, gather } : undefined} />
    </MantineProvider>
  );
}

afterEach(() => prefer({ columnWidths: {} }));

it("sorting is a button, and the head says how the rows are sorted", async () => {
  render(<Table told={() => undefined} />);
  const head = screen.getByRole("columnheader", { name: "Name" });
  expect(head).toHaveAttribute("aria-sort", "ascending");
  await userEvent.click(within(head).getByRole("button"));
  expect(head).toHaveAttribute("aria-sort", "descending");
  expect(screen.getByRole("columnheader", { name: "Size" })).not.toHaveAttribute("aria-sort");
});

it("Shift with a click selects everything from the row ticked last", () => {
  let picked = NOTHING;
  render(<Table told={(_, selection) => (picked = selection)} />);
  fireEvent.click(screen.getByLabelText("Select a"));
  fireEvent.click(screen.getByLabelText("Select c"), { shiftKey: true });
  expect([...picked.ids].sort()).toEqual(["a", "b", "c"]);
});

it("once all that is shown is selected, all that fits is one step further, and it says where that was cut", async () => {
  let picked = NOTHING;
  render(<Table told={(_, selection) => (picked = selection)} gather={() => Promise.resolve({ ids: ["a", "b", "c", "d", "e", "f"], isCut: true })} />);
  expect(screen.queryByText(/shown are selected/)).toBeNull();
  await userEvent.click(screen.getByLabelText("Select all shown"));
  await userEvent.click(await screen.findByRole("button", { name: "Select all that fit" }));
  expect(await screen.findByText("The first 6 that fit are selected; more cannot be at once.")).toBeVisible();
  expect(picked.ids.size).toBe(6);
});

it("a column's edge is moved by arrow keys within bounds, and Home gives the usual width back", () => {
  render(<Table told={() => undefined} />);
  const edge = screen.getByRole("separator", { name: "Width of Name" });
  act(() => edge.focus());
  fireEvent.keyDown(edge, { key: "ArrowRight" });
  expect(preference().columnWidths.test).toEqual({ name: 48 });
  fireEvent.keyDown(edge, { key: "Home" });
  expect(preference().columnWidths.test).toEqual({});
});
