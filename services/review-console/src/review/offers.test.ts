import { expect, it } from "vitest";

import type { Session } from "@/session/session";

import { offersOf } from "./offers";

const action = { actionType: "CUSTOM_ACTION" as const, revision: 1, updatedAt: "", updatedBy: "" };
const type = { fields: [], revision: 1, updatedAt: "", updatedBy: "", version: "1" };
const names = {
  itemTypes: [{ ...type, id: "post", name: "Post", kind: "CONTENT" as const }, { ...type, id: "profile", name: "Profile", kind: "USER" as const }],
  actions: [
    { ...action, id: "remove", name: "Remove", appliesToAllItemsOfKind: ["CONTENT" as const] },
    { ...action, id: "warn", name: "Warn", itemTypeIds: ["post", "profile"] },
    { ...action, id: "queue", name: "Enqueue", actionType: "ENQUEUE_TO_MRT" as const, itemTypeIds: ["post"] },
  ],
  queues: [{ id: "q", name: "Q", revision: 1, updatedAt: "", updatedBy: "", hiddenActionIds: ["warn"] }],
};
const org = { requiresPolicyForDecisions: true, requiresDecisionReason: false, requiresDecisionReasonOnIgnore: true, allowMultiplePoliciesPerAction: false } as Session["org"];

it("an action is offered where it fits every one of the types, and what a queue hides is hidden", () => {
  const ids = (...types: string[]) => offersOf(types, "q", names, org).actions.map((one) => [one.id, one.hidden]);
  expect(ids("post")).toEqual([["remove", false], ["warn", true]]);
  expect(ids("post", "profile")).toEqual([["warn", true]]);
  expect(ids()).toEqual([]);
});

it("what the organisation asks of a decision is asked of these as well", () => {
  expect(offersOf(["post"], "q", names, org).rules).toEqual({ policyRequired: true, reasonRequired: false, reasonRequiredOnIgnore: true, severalPolicies: false });
});
