import { fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import type { Names } from "@/configuration/names";
import { Around, signedIn } from "@/testing/page";

import { Confirm } from "./child-confirm";
import { Foot } from "./child-foot";
import type { KnownMedia } from "./child-evidence";
import type { ReportTerms } from "./child-media";
import type { Context } from "./context";
import { NOTHING, type Entered, type Offers } from "./entered";
import { categorised, NO_REPORT } from "./report";
import type { Decide } from "./use-decide";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: string }) => <a href="#there">{children}</a> }));

const POST = { id: "post", typeId: "t" };
const medium = (at: number, isSeen: boolean) => ({ ref: `r${at}`, item: POST, pointer: `/images/${at}`, kind: "IMAGE" as const, isCarried: true, isSeen });
const CONTEXT = { job: { id: "one", itemId: "ana" }, item: { id: "ana", typeId: "user", typeVersion: "1" }, types: [], author: null } as unknown as Context;
const NAMES = { actions: [], policies: [] } as unknown as Names;
const OFFERS = { actions: [], moveTo: [], skip: { ok: true } } as unknown as Offers;
const TERMS: ReportTerms = { isEnabled: true, missing: [], environment: "TEST", earlier: [] };
const BEFORE = { id: "e", environment: "TEST" as const, state: "DONE", reportId: "25", requestedAt: "2026-01-01T00:00:00Z", filedAt: "2026-01-01T00:00:00Z", reviewerId: "r", reviewer: null };
const ENTERED: Entered = { ...NOTHING, report: { ...categorised(NO_REPORT, medium(0, true), "B1"), typed: " ana " } };

const submit = vi.fn<Decide["submit"]>();

function show({ entered = ENTERED, terms = TERMS, seen = true }: { entered?: Entered; terms?: ReportTerms; seen?: boolean }) {
  const media: KnownMedia = { items: [medium(0, seen), medium(1, false)], requirement: { known: 2, looked: seen ? 1 : 0, needed: 1 }, isWhole: true, error: null, again: () => undefined };
  const decide = { submit, skip: () => undefined, sending: false } as unknown as Decide;
  return render(
    <>
      <Confirm context={CONTEXT} terms={terms} media={media} report={entered.report} say={() => undefined} then="" />
      <Foot context={CONTEXT} decide={decide} names={NAMES} offers={OFFERS} entered={entered} enter={() => undefined} isHeld={false} terms={terms} media={media} />
    </>,
    { wrapper: Around },
  );
}

beforeEach(() => {
  submit.mockReset();
  signedIn(["VIEW_MRT", "VIEW_CHILD_SAFETY_DATA", "MANAGE_ORG"]);
});

it("what is sent goes where the page said, and leaves out what has no category", () => {
  show({});
  expect(screen.getByText("TEST environment.")).toBeTruthy();
  expect(screen.getByText("1 medium: 2")).toBeTruthy();
  fireEvent.click(screen.getByText("Send test report of this account"));
  const [sent] = submit.mock.calls[0] ?? [];
  expect([sent?.verdict, sent?.report.environment]).toEqual(["SUBMIT_NCMEC_REPORT", "TEST"]);
});

it.each([
  ["reporting is off", { terms: { ...TERMS, isEnabled: false, missing: ["legalUrl"] } }, "Reporting to NCMEC is off."],
  ["it was not looked at", { seen: false }, "Look at one more medium."],
  ["they were reported before", { terms: { ...TERMS, earlier: [BEFORE] } }, "Confirm that this user is reported once more."],
  ["the id is another one", { entered: { ...ENTERED, report: { ...ENTERED.report, typed: "bo" } } }, "Type the id of the account."],
])("nothing is sent while %s, and that is said", (_, given, told) => {
  show(given);
  expect(screen.getByText(told)).toBeTruthy();
  fireEvent.click(screen.getByText("Send test report of this account"));
  expect(submit).not.toHaveBeenCalled();
});

it("a real report says so in words, at the sentence and on the button", () => {
  show({ terms: { ...TERMS, environment: "PRODUCTION" } });
  expect(screen.getByText("PRODUCTION environment.")).toBeTruthy();
  expect(screen.getByText("Send real report of this account")).toBeTruthy();
});

it("an earlier report in the other environment asks for nothing, and one that cannot be known is said", () => {
  show({ terms: { ...TERMS, earlier: [{ ...BEFORE, environment: "PRODUCTION" }] } }).unmount();
  show({ terms: { ...TERMS, earlier: null } });
  expect(screen.getByText(/cannot be asked for now/)).toBeTruthy();
});

it("without abuse the job is closed by the ordinary button, and the categories are said to be dropped", () => {
  show({ entered: { ...ENTERED, verdict: "IGNORE" } });
  expect(screen.getByText(/The category that you gave is not sent/)).toBeTruthy();
  expect(screen.queryByText("Send test report of this account")).toBeNull();
  fireEvent.click(screen.getByText("Submit and next"));
  expect(submit.mock.calls[0]?.[0].verdict).toBe("IGNORE");
});
