/** The address of the review analytics. */
import { z } from "zod/mini";

import { WindowSearch } from "@/measure/search";

export const Search = z.extend(WindowSearch, {
  /** Of these queues alone. */
  queue: z.catch(z.optional(z.array(z.string()).check(z.minLength(1))), undefined),
});
export type Search = z.infer<typeof Search>;
