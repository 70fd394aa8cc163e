import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod/mini";

import { PolicyPage } from "@/policy/policies-page";

/** `parent`: below which a new one begins. */
const Search = z.object({ parent: z.catch(z.optional(z.string().check(z.minLength(1))), undefined) });

export const Route = createFileRoute("/_app/policies_/$policyId")({ validateSearch: Search, component: PolicyPage });
