import { render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { CheckedWith } from "./ncmec-schema";

const AT = new Date().toISOString();
const OURS = "9f".repeat(32);
const THEIRS = "c0".repeat(32);

function shown(told: Partial<Schema["NcmecSchemaView"]>): void {
  answering({ "GET /v1/ncmec-schema": () => ({ hasFile: true, version: "1.12", fingerprint: OURS, served: [], ...told }) });
  render(<CheckedWith />, { wrapper: Around });
}

beforeEach(() => {
  vi.restoreAllMocks();
  signedIn(["MANAGE_ORG"]);
});

it("the version and the fingerprint of the operator's file are said, and that NCMEC was not asked yet", async () => {
  shown({});
  const part = await screen.findByRole("region", { name: "What reports are checked with" });
  expect(await screen.findByText("1.12")).toBeVisible();
  expect(part).toHaveTextContent("a file of whoever runs the system");
  expect(part).toHaveTextContent(OURS.slice(0, 12));
  expect(part).toHaveTextContent("NCMEC was not asked yet");
});

it("what NCMEC serves is the same, or another, by environment", async () => {
  shown({
    version: null,
    served: [
      { environment: "PRODUCTION", fingerprint: OURS, servedAt: AT, differs: false },
      { environment: "TEST", fingerprint: THEIRS, servedAt: AT, differs: true },
    ],
  });
  expect(await screen.findByText(/the same schema/)).toBeVisible();
  expect(screen.getByText(/another schema/)).toHaveTextContent(THEIRS.slice(0, 12));
  expect(screen.getByText("the file says none")).toBeVisible();
  expect(screen.queryByText(/not asked yet/)).toBeNull();
});

it("without a file it is said that rules alone are checked and nothing is real", async () => {
  shown({ hasFile: false, version: null, fingerprint: null, served: [{ environment: "TEST", fingerprint: THEIRS, servedAt: AT, differs: null }] });
  expect(await screen.findByText(/No report is real without one/)).toBeVisible();
  expect(screen.getByText(new RegExp(`serves ${THEIRS.slice(0, 12)}`))).toBeVisible();
});
