/** The time that is asked for, in the address of a page: `from` and `to` are days, both within; they
 * count before `span`. Routes import this and not `window`, which knows time zones. */
import { z } from "zod/mini";

/** Days up to today. No plain numbers: the router reads those as numbers. */
export const SPANS = { today: 1, "3d": 3, "7d": 7, "30d": 30, "90d": 90 } as const;
export type Span = keyof typeof SPANS;
export const USUAL: Span = "7d";

const day = z.catch(z.optional(z.iso.date()), undefined);

export const WindowSearch = z.object({
  span: z.catch(z.optional(z.enum(["today", "3d", "7d", "30d", "90d"] satisfies Span[])), undefined),
  from: day,
  to: day,
  by: z.catch(z.optional(z.enum(["HOUR", "DAY"])), undefined),
  against: z.catch(z.optional(z.enum(["none"])), undefined),
});
export type WindowSearch = z.infer<typeof WindowSearch>;
