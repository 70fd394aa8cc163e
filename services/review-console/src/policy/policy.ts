/** A policy as its form has it and as review-api takes it; and all of them as a tree. */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch } from "@/settings/documents";
import { sayer } from "@/words/words";

import { words } from "./words";

export type Policy = Schema["PolicyView"];
const say = sayer(words);

export const PENALTIES = ["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"] as const;
export const HARMS = ["HATE", "VIOLENCE", "HARRASSMENT", "SEXUAL_CONTENT", "SPAM", "DRUG_SALES", "WEAPON_SALES", "TERRORISM", "SEXUAL_EXPLOITATION", "SELF_HARM_AND_SUICIDE", "GROOMING", "PROFANITY", "PRIVACY", "FRAUD_AND_DECEPTION"] as const;

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  parentId: z.nullable(z.string()),
  policyText: z.string(),
  enforcementGuidelines: z.string(),
  penalty: z.enum(PENALTIES),
  userStrikeCount: z.union([z.number(), z.literal("")]),
  applyStrikesToSubPolicies: z.boolean(),
  reviewWithinMinutes: z.union([z.number(), z.literal("")]),
  policyType: z.nullable(z.enum(HARMS)),
});
export type Values = z.infer<typeof Values>;

export function valuesOf(policy: Policy | null): Values {
  return {
    name: policy?.name ?? "",
    parentId: policy?.parentId ?? null,
    policyText: policy?.policyText ?? "",
    enforcementGuidelines: policy?.enforcementGuidelines ?? "",
    penalty: policy?.penalty ?? "NONE",
    userStrikeCount: policy?.userStrikeCount ?? 0,
    applyStrikesToSubPolicies: policy?.applyStrikesToSubPolicies ?? false,
    reviewWithinMinutes: policy?.reviewWithinMinutes ?? "",
    policyType: policy?.policyType ?? null,
  };
}

export function bodyOf(values: Values): Schema["PolicyBody"] {
  return { ...values, name: values.name.trim(), userStrikeCount: values.userStrikeCount === "" ? 0 : values.userStrikeCount, reviewWithinMinutes: values.reviewWithinMinutes === "" ? null : values.reviewWithinMinutes };
}

export interface Node {
  readonly policy: Policy;
  readonly depth: number;
  readonly hasChildren: boolean;
}

/** What is shown of the tree, from the top: without what is below those that are shut, but with what fits. */
export function rowsOf(policies: readonly Policy[], shut: ReadonlySet<string>, q: string): Node[] {
  const known = new Set(policies.map((one) => one.id));
  const below = new Map<string | null, Policy[]>();
  for (const one of policies) {
    // One whose parent is gone stands on its own, rather than nowhere.
    const parent = one.parentId && known.has(one.parentId) ? one.parentId : null;
    below.set(parent, [...(below.get(parent) ?? []), one]);
  }
  const words = q.trim().toLowerCase();
  const fits = (one: Policy): boolean => words === "" || one.name.toLowerCase().includes(words) || (below.get(one.id) ?? []).some(fits);
  const found: Node[] = [];
  const walk = (parent: string | null, depth: number) => {
    for (const policy of [...(below.get(parent) ?? [])].sort((a, b) => a.name.localeCompare(b.name))) {
      if (!fits(policy)) continue;
      const hasChildren = (below.get(policy.id) ?? []).length > 0;
      found.push({ policy, depth, hasChildren });
      if (words !== "" || !shut.has(policy.id)) walk(policy.id, depth + 1);
    }
  };
  walk(null, 0);
  return found;
}

/** Those that may be above a policy: not itself, and nothing below it. */
export function parentsFor(policies: readonly Policy[], id: string | null): Policy[] {
  const isBelow = (one: Policy, seen = new Set<string>()): boolean => {
    if (one.id === id) return true;
    if (!one.parentId || seen.has(one.id)) return false;
    seen.add(one.id);
    const parent = policies.find((other) => other.id === one.parentId);
    return parent !== undefined && isBelow(parent, seen);
  };
  return policies.filter((one) => id === null || !isBelow(one));
}

export function read(id: string): Promise<Policy> {
  return take(api.GET("/v1/policies/{document_id}", { params: { path: { document_id: id }, query: { include: "usage" } } }));
}

export function policyQuery(id: string) {
  return queryOptions({ queryKey: ["configuration", "policy", id], queryFn: () => read(id) });
}

export function save(values: Values, base: Policy | null): Promise<Policy> {
  const body = bodyOf(values);
  if (base === null) return take(api.POST("/v1/policies", { body }));
  return take(api.PUT("/v1/policies/{document_id}", { params: { path: { document_id: base.id }, header: ifMatch(base.revision) }, body }));
}

export function remove({ id, revision }: Policy): Promise<unknown> {
  return take(api.DELETE("/v1/policies/{document_id}", { params: { path: { document_id: id }, header: ifMatch(revision) } }));
}
