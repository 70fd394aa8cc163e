/** The address of the routing pages. */
import { z } from "zod/mini";

/** Reports, or appeals. */
export const Search = z.object({ appeals: z.catch(z.optional(z.boolean()), undefined) });
export type Search = z.infer<typeof Search>;
