import { expect, it } from "vitest";

import { csvOf } from "./sheet";

it("quotes what has to be quoted, and lets no name be a formula", () => {
  const rows = [["=HYPERLINK(1)", 3], ['a "b", c', null], ["-1", -1]];
  expect(csvOf({ columns: [{ name: "Rule" }, { name: "Actions", numeric: true }], rows })).toBe("\ufeffRule,Actions\r\n'=HYPERLINK(1),3\r\n\"a \"\"b\"\", c\",\r\n'-1,-1\r\n");
});
