/** The address of the decision log: what is asked of it. */
import { z } from "zod/mini";

const many = z.catch(z.optional(z.array(z.string()).check(z.minLength(1))), undefined);
const one = z.catch(z.optional(z.string().check(z.minLength(1))), undefined);
const day = z.catch(z.optional(z.iso.date()), undefined);

export const TYPES = ["CUSTOM_ACTION", "IGNORE", "MOVE", "RELATED_ACTION", "ACCEPT_APPEAL", "REJECT_APPEAL", "ESCALATE_TO_NCMEC", "SUBMIT_NCMEC_REPORT", "AUTOMATIC_CLOSE", "CLOSE"] as const;
export const SOURCES = ["MRT_JOB", "AUTOMATIC", "COOP", "BULK_ACTION", "REVERSAL", "RULE_EXECUTION", "POST_ACTIONS", "STRIKE_THRESHOLD", "RETROACTION"] as const;

/** The address. `since` and `until` are days of the viewer, both within. `peek`: an entry, or `none`. */
export const Search = z.object({
  since: day,
  until: day,
  queue: many,
  by: many,
  rule: many,
  action: many,
  policy: many,
  type: z.catch(z.optional(z.array(z.enum(TYPES)).check(z.minLength(1))), undefined),
  source: z.catch(z.optional(z.array(z.enum(SOURCES)).check(z.minLength(1))), undefined),
  itemType: one,
  item: one,
  userType: one,
  user: one,
  job: one,
  peek: one,
});
export type Search = z.infer<typeof Search>;
export type Filters = Omit<Search, "peek">;
