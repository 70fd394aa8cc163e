import { describe, expect, it } from "vitest";

import { componentsOf, draftOf, enteredOf, isEmpty, NOTHING } from "./entered";
import { categorised, labelled, lacksOf, messagesOf, NO_REPORT, reportedOf, reportOf, unseenOf, withMessages, type Terms } from "./report";

const POST = { id: "post", typeId: "t" };
const ONE = { item: POST, pointer: "/images/0" };
const TWO = { item: POST, pointer: "/images/1" };
const THREAD = { id: "chat", typeId: "thread" };
const TERMS: Terms = {
  isEnabled: true,
  environment: "TEST",
  userId: "ana",
  media: [
    { ...ONE, isSeen: true },
    { ...TWO, isSeen: false },
  ],
  requirement: { looked: 1, needed: 1 },
  wasReported: false,
};
const WHOLE = { ...labelled(categorised(NO_REPORT, ONE, "B1"), ONE, ["VIRAL"]), typed: "ana" };

describe("a category", () => {
  it("is taken back by itself, and another one takes its place with the labels kept", () => {
    expect(categorised(categorised(NO_REPORT, ONE, "A1"), ONE, "A1")).toEqual(NO_REPORT);
    expect(reportedOf(categorised(WHOLE, ONE, "A2"))).toEqual([{ ...ONE, category: "A2", labels: ["VIRAL"] }]);
  });

  it("None is no part of the report, and has no labels", () => {
    const none = categorised(WHOLE, ONE, "NONE");
    expect(reportedOf(none)).toEqual([]);
    expect(Object.values(labelled(none, ONE, ["VIRAL"]).marks)[0]?.labels).toEqual([]);
    expect(labelled(NO_REPORT, TWO, ["VIRAL"])).toEqual(NO_REPORT);
  });
});

describe("what keeps a report from being sent", () => {
  it("is nothing once it is whole", () => expect(lacksOf(WHOLE, TERMS)).toEqual([]));

  it.each([
    ["off", WHOLE, { isEnabled: false }],
    ["content", { ...NO_REPORT, typed: "ana" }, {}],
    ["looks", WHOLE, { requirement: { looked: 1, needed: 2 } }],
    ["unseen", categorised(WHOLE, TWO, "A1"), {}],
    ["persons", { ...WHOLE, victims: [{ user: { id: " ", typeId: "user" }, age: null, notes: "" }] }, {}],
    ["persons", { ...WHOLE, recipients: [{ user: { id: "ana", typeId: "user" }, age: null, notes: "" }] }, {}],
    ["priority", { ...WHOLE, highPriority: " " }, {}],
    ["further", WHOLE, { wasReported: true }],
    ["id", { ...WHOLE, typed: "Ana" }, {}],
  ] as const)("%s", (lack, report, terms) => expect(lacksOf(report, { ...TERMS, ...terms })).toEqual([lack]));

  it("words or messages alone are a report", () => {
    expect(lacksOf({ ...NO_REPORT, typed: "ana", additionalInfo: "Enticement." }, TERMS)).toEqual([]);
    const talked = withMessages({ ...NO_REPORT, typed: "ana" }, THREAD, [POST]);
    expect(lacksOf(talked, TERMS)).toEqual([]);
    expect(withMessages(talked, THREAD, []).threads).toEqual([]);
    expect(messagesOf(talked, THREAD)).toEqual([POST]);
  });

  it("names the media that were not looked at by their numbers", () => expect(unseenOf(categorised(WHOLE, TWO, "B2"), TERMS.media)).toEqual([2]));
});

describe("a draft of it", () => {
  const entered = { ...NOTHING, report: { ...categorised(WHOLE, TWO, "NONE"), highPriority: "now", circumstances: ["SPAM"] as const } };

  it("comes back without what was typed to confirm", () => {
    expect(enteredOf(draftOf(entered))).toEqual({ ...entered, report: { ...entered.report, typed: "" } });
    expect(JSON.stringify(draftOf({ ...entered, verdict: "SUBMIT_NCMEC_REPORT" }))).not.toContain("ana");
    expect(isEmpty(entered)).toBe(false);
  });

  it("of a report that was refused or undone is that report", () => {
    const [sent] = componentsOf({ ...entered, verdict: "SUBMIT_NCMEC_REPORT" });
    const again = enteredOf({ components: [sent] });
    expect(reportedOf(again.report)).toEqual(reportedOf(WHOLE));
    expect([again.verdict, again.report.highPriority, again.report.typed]).toEqual([null, "now", ""]);
  });

  it("is read whatever it holds", () => {
    expect(reportOf("x")).toEqual(NO_REPORT);
    expect(reportOf({ marks: [null, { item: 3 }, { ...ONE, category: "Z" }], threads: [{ thread: THREAD, messages: [] }, 4], incident: "x", circumstances: "y", highPriority: 3 })).toEqual(NO_REPORT);
  });
});
