import { describe, expect, it } from "vitest";

import { componentsOf, draftOf, enteredOf, inOrder, judged, missingIn, NOTHING, toggled, withRelated, type Offered, type Offers } from "./entered";

const AUTHOR = { id: "ana", typeId: "user" };
const remove: Offered = { id: "remove", name: "Remove", target: "ITEM", penalty: "HIGH", hidden: false, parameters: false };
const suspend: Offered = { id: "suspend", name: "Suspend", target: "AUTHOR", penalty: "SEVERE", hidden: false, parameters: true };
const RULES: Offers["rules"] = { policyRequired: true, reasonRequired: true, reasonRequiredOnIgnore: false, severalPolicies: true };

describe("what goes together", () => {
  it("no violation takes actions on the item away, and an action takes no violation away", () => {
    const acted = toggled(NOTHING, remove, AUTHOR);
    const ignored = judged(acted, "IGNORE");
    expect(ignored.actionIds).toEqual([]);
    expect(toggled(ignored, remove, AUTHOR).verdict).toBeNull();
  });

  it("an accepted appeal keeps its actions, a rejected one keeps none on the item", () => {
    const acted = toggled(NOTHING, remove, AUTHOR);
    expect(judged(acted, "ACCEPT_APPEAL").actionIds).toEqual(["remove"]);
    expect(judged(acted, "REJECT_APPEAL").actionIds).toEqual([]);
  });

  it("the same choice again takes it back", () => {
    expect(judged(judged(NOTHING, "IGNORE"), "IGNORE").verdict).toBeNull();
    expect(toggled(toggled(NOTHING, suspend, AUTHOR), suspend, AUTHOR)).toEqual(NOTHING);
  });
});

describe("as it is sent", () => {
  it("what is done to the author is a related action, with its parameters", () => {
    const entered = { ...toggled(toggled(NOTHING, remove, AUTHOR), suspend, AUTHOR), policyIds: ["p"], parameters: { suspend: { days: 3 } } };
    expect(componentsOf(entered)).toEqual([
      { type: "CUSTOM_ACTION", actionIds: ["remove"], policyIds: ["p"], parameters: {} },
      { type: "RELATED_ACTION", actionIds: ["suspend"], items: [AUTHOR], policyIds: ["p"], parameters: { suspend: { days: 3 } } },
    ]);
  });

  it("an action on several messages names each once", () => {
    const twice = withRelated(withRelated(NOTHING, "remove", [AUTHOR]), "remove", [AUTHOR, { id: "bo", typeId: "user" }]);
    expect(twice.related[0]?.items.map((item) => item.id)).toEqual(["ana", "bo"]);
  });
});

describe("a draft", () => {
  it("comes back as it was", () => {
    const entered = { ...judged(toggled(NOTHING, suspend, AUTHOR), "MOVE", "q"), policyIds: ["p"], reason: "why", note: "for us", parameters: { suspend: { days: 3 } } };
    expect(enteredOf(draftOf(entered))).toEqual(entered);
  });

  it("of a decision that was undone is that decision", () => {
    const made = { components: [{ type: "CUSTOM_ACTION", actionIds: ["remove"], policyIds: ["p"] }], reason: "why", note: null };
    expect(enteredOf(made)).toEqual({ ...NOTHING, actionIds: ["remove"], policyIds: ["p"], reason: "why" });
  });

  it("is read whatever it holds", () => {
    expect(enteredOf({ components: "x", reason: 3, kept: [] })).toEqual(NOTHING);
    expect(enteredOf({ components: [null, { type: "MOVE" }, { type: "RELATED_ACTION", actionIds: [1, "a"], items: "no" }] }).related).toEqual([{ actionId: "a", items: [] }]);
  });
});

it("says what is missing, by the organisation's rules", () => {
  expect(missingIn(NOTHING, RULES, false, false)).toEqual(["choice"]);
  expect(missingIn(judged(NOTHING, "IGNORE"), RULES, false, false)).toEqual([]);
  expect(missingIn(judged(NOTHING, "IGNORE"), { ...RULES, reasonRequiredOnIgnore: true }, false, false)).toEqual(["reason"]);
  expect(missingIn(toggled(NOTHING, remove, AUTHOR), RULES, false, false)).toEqual(["policy", "reason"]);
  expect(missingIn(toggled(NOTHING, remove, AUTHOR), RULES, true, true)).toEqual(["choice", "parameter", "policy", "reason"]);
});

it("lists actions from the mildest to the gravest, without those that are hidden here", () => {
  expect(inOrder([suspend, { ...remove, id: "h", hidden: true }, remove]).map((one) => one.id)).toEqual(["remove", "suspend"]);
});
