import { render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { Glance } from "@/item/glance";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";
import { Timeline, type Page } from "@/timeline/timeline";
import { useNames } from "@/configuration/names";
import { WordsBar, WordsVeil } from "@/veil/veiled-words";

import type { Context } from "./context";
import { Reports } from "./reports";
import { Why } from "./why";

vi.mock("@tanstack/react-router", () => ({ Link: () => null }));

const AT = new Date().toISOString();
const RULE = { id: "r", name: "Slurs", revision: 2, says: "text matches", conditions: { path: "/0", outcome: "PASSED", condition: {}, says: "text matches", matchedValue: "HARM rule", score: null } };
const CONTEXT = {
  job: { id: "one", kind: "DEFAULT", severity: 0, reportCount: 1, reporterCount: 1, movedFrom: [], entries: [{ entryId: "e", report: { reason: "HARM reason", reporter: { id: "ana", typeId: "t" }, policyId: null, reportedAt: AT } }] },
  explanation: { rules: [] },
  reporters: [],
  offers: null,
  timeline: null,
} as unknown as Context;
const HAPPENED = { items: [{ kind: "REPORT", id: "h", time: AT, reporter: null, reason: "HARM history", policyId: null, invalidatedAt: null }], nextCursor: null } as unknown as Page;

function Shown({ veilText }: { veilText: boolean }) {
  const names = useNames();
  return (
    <WordsVeil jobKey="one" wellness={{ veilText, veilAfter: 0 }}>
      <WordsBar />
      <Why context={CONTEXT} />
      <Why context={{ ...CONTEXT, explanation: { rules: [RULE] } } as unknown as Context} />
      <Reports context={CONTEXT} />
      <Timeline of={["x"]} title="History" command={{ id: "x.history", scope: "job", label: "x" }} names={names} whole={HAPPENED} load={() => Promise.resolve(HAPPENED)} />
      <Glance data={{ text: "HARM item" }} type={undefined} media={[]} isGrave={false} />
    </WordsVeil>
  );
}

beforeEach(() => {
  vi.restoreAllMocks();
  answering({});
  signedIn();
});

/** Where the words stand, in a text or an attribute, that somebody would see, hear or be told. */
function told(): string[] {
  const found: string[] = [];
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest('[aria-hidden="true"]')) continue;
    for (const { name, value } of one.attributes) if (value.includes("HARM")) found.push(`${name}: ${value}`);
    for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE && node.textContent?.includes("HARM")) found.push(node.textContent);
  }
  return found;
}

it("what people wrote is veiled in every place, also in tips and for whoever listens", () => {
  render(<Shown veilText />, { wrapper: Around });
  expect(told()).toEqual([]);
  expect(document.body.textContent?.match(/HARM (rule|reason|history|item)/g)).toHaveLength(5);
});

it("one press lifts all of it", () => {
  const view = render(<Shown veilText />, { wrapper: Around });
  screen.getByRole("button", { name: /Words are veiled/ }).click();
  view.rerender(<Shown veilText />);
  expect(new Set(told().map((one) => /HARM \w+/.exec(one)?.[0]))).toEqual(new Set(["HARM rule", "HARM reason", "HARM history", "HARM item"]));
});

it("whoever veils no words has them as they are, and no bar", () => {
  render(<Shown veilText={false} />, { wrapper: Around });
  expect(told().length).toBeGreaterThan(4);
  expect(screen.queryByRole("button", { name: /Words are veiled/ })).toBeNull();
});
