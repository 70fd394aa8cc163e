import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod";

import { QueuesPage } from "@/queue/queues-page";

const Search = z.object({
  /** Words of the name or description. */
  q: z.string().optional().catch(undefined),
  only: z.enum(["overdue", "free", "waiting"]).optional().catch(undefined),
  /** The queue shown beside the list. */
  peek: z.string().optional().catch(undefined),
});

export const Route = createFileRoute("/_app/queues")({ validateSearch: Search, component: QueuesPage });
