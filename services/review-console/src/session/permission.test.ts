import { expect, it } from "vitest";

import { ApiProblem } from "@/api/problem";
import { sentenceOf } from "@/control/sentence";

import { allCalled, calledBy } from "./permission";

it("permissions and roles have the names that whoever manages them knows", () => {
  expect(allCalled(["VIEW_MRT", "EDIT_MRT_QUEUES"])).toBe("View Manual Review Tool, Manage Queues And Routing");
  expect(calledBy("CHILD_SAFETY_MODERATOR")).toBe("Child Safety Moderator");
  expect(calledBy("Night shift")).toBe("Night shift");
});

it("what is refused for want of a permission names it", () => {
  const refused = new ApiProblem("permission", 403, { needs: ["MANAGE_ORG"] } as ConstructorParameters<typeof ApiProblem>[2]);
  expect(sentenceOf(refused)).toContain("Manage Organization Settings");
});
