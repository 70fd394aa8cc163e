/** The next job: claimed ahead, with what is around it there before it is wanted. */
import { queries } from "@/api/query";

import { claimAhead } from "./claim";
import { contextQuery } from "./context";

/** Nothing clear of its media is asked for, and its clock does not run before its page is open. */
export function prepareNext(queueId: string): void {
  void claimAhead([queueId], (claim) => void queries.prefetchQuery(contextQuery(claim.job.id)));
}
