import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod/mini";

import { SecondReviewPage } from "@/review/second-page";

/** Of one queue, or of any. */
const Search = z.object({ queue: z.catch(z.optional(z.string()), undefined) });

export const Route = createFileRoute("/_app/second-review")({ validateSearch: Search, component: SecondReviewPage });
