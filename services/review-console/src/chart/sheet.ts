/**
 * The numbers behind a chart: what its table shows, and what its file holds.
 *
 * Guarantees: as CSV after RFC 4180, UTF-8 with its mark; no cell is a formula to a spreadsheet.
 */
export interface Sheet {
  readonly columns: readonly { readonly name: string; readonly numeric?: boolean }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

const MARK = "\ufeff";

export function csvOf(sheet: Sheet): string {
  const lines = [sheet.columns.map((column) => column.name), ...sheet.rows];
  return MARK + lines.map((cells) => cells.map(cellOf).join(",")).join("\r\n") + "\r\n";
}

function cellOf(value: string | number | null): string {
  if (typeof value === "number") return String(value);
  // What begins like a formula is text: names come from people.
  const text = (value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hands the file to the browser. */
export function save(name: string, sheet: Sheet): void {
  const address = URL.createObjectURL(new Blob([csvOf(sheet)], { type: "text/csv;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
