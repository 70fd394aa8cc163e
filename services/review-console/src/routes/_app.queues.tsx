import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod/mini";

import { QueuesPage } from "@/queue/queues-page";

const Search = z.object({
  /** Words of the name or description. */
  q: z.catch(z.optional(z.string()), undefined),
  only: z.catch(z.optional(z.enum(["overdue", "free", "waiting"])), undefined),
  /** The queue shown beside the list. */
  peek: z.catch(z.optional(z.string()), undefined),
});

export const Route = createFileRoute("/_app/queues")({ validateSearch: Search, component: QueuesPage });
