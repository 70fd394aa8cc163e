import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { HashesPage } from "./hashes-page";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: unknown }) => <a href="#there">{children as string}</a> }));

const account = (more: object = {}): Schema["HmaView"] => ({
  account: { host: "hma.example:5000", hasToken: true, milliseconds: 12, fault: null, banks: [{ bankId: "one", name: "COOP_LARGO_KNOWN", ratio: 0.5 }, { bankId: "two", name: "COOP_LARGO_NEW", ratio: null }], ...more },
});

beforeEach(() => signedIn(["MANAGE_ORG"]));

it("says where it is, whether it has a token, and which banks are there", async () => {
  answering({ "GET /v1/hasher-matcher-actioner": () => account() });
  render(<HashesPage />, { wrapper: Around });
  expect(await screen.findByText("hma.example:5000")).toBeVisible();
  expect(screen.getByText("set, and never shown")).toBeVisible();
  const [, known, made] = within(screen.getByRole("table")).getAllByRole("row");
  expect(known).toHaveTextContent("COOP_LARGO_KNOWN50%");
  expect(made).toHaveTextContent("COOP_LARGO_NEWnot made there yet");
  expect(screen.getByText("It answers, in 12 ms")).toBeVisible();
});

it("is asked again on trying, and says what it answered instead", async () => {
  let now = account();
  const asked = answering({ "GET /v1/hasher-matcher-actioner": () => now });
  render(<HashesPage />, { wrapper: Around });
  await screen.findByText("It answers, in 12 ms");
  now = account({ milliseconds: null, fault: "HMA answers /c/banks with status 401", banks: [] });
  await userEvent.click(screen.getByRole("button", { name: /^Try it/ }));
  expect(await screen.findByText("HMA answers /c/banks with status 401")).toBeVisible();
  expect(screen.queryByRole("table")).toBeNull();
  expect(asked).toHaveLength(2);
});

it("without one, Coop's own banks are said to be all, and there is nothing to try", async () => {
  answering({ "GET /v1/hasher-matcher-actioner": () => ({ account: null }) });
  render(<HashesPage />, { wrapper: Around });
  expect(await screen.findByRole("heading", { name: "Coop's own banks alone" })).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Try it/ })).toBeNull();
  expect(screen.getByRole("heading", { name: "Model card" })).toBeVisible();
});
