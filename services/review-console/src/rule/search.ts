import { z } from "zod/mini";

export const STATUSES = ["LIVE", "BACKGROUND", "DRAFT", "DEPRECATED", "ARCHIVED"] as const;
export const ORDERS = ["name", "week", "changed"] as const;

/** The address of the list. `archived`: those that rest, instead of the others. */
export const Search = z.object({
  q: z.catch(z.optional(z.string()), undefined),
  status: z.catch(z.optional(z.enum(STATUSES)), undefined),
  archived: z.catch(z.optional(z.boolean()), undefined),
  sort: z.catch(z.optional(z.enum(ORDERS)), undefined),
  down: z.catch(z.optional(z.boolean()), undefined),
});
export type Search = z.infer<typeof Search>;

/** The address of a new rule. `from`: the rule that it is a copy of. */
export const NewSearch = z.object({ from: z.catch(z.optional(z.string()), undefined) });

/** The address of a rule. `revision`: the one that is compared with now. */
export const RuleSearch = z.object({ revision: z.catch(z.optional(z.number()), undefined) });
