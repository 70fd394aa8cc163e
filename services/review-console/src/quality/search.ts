/** The address of the page of quality. */
import { z } from "zod/mini";

import { WindowSearch } from "@/measure/search";

export const COMPARED = ["OUTCOME", "ACTIONS", "POLICIES"] as const;
export const GROUPS = ["QUEUE", "REVIEWER", "POLICY", "ACTION"] as const;
export type Compared = (typeof COMPARED)[number];
export type Group = (typeof GROUPS)[number];

/** `as`: what makes two decisions equal; `group`: whose decisions are counted together. */
export const Search = z.extend(WindowSearch, {
  queue: z.catch(z.optional(z.string().check(z.minLength(1))), undefined),
  as: z.catch(z.optional(z.enum(COMPARED)), undefined),
  group: z.catch(z.optional(z.enum(GROUPS)), undefined),
});
export type Search = z.infer<typeof Search>;
