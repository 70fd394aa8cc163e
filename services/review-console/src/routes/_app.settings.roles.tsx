import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod/mini";

import { RolesPage } from "@/people/roles-page";

/** `role`: the one that is changed, or `new`. */
const Search = z.object({ role: z.catch(z.optional(z.string().check(z.minLength(1))), undefined) });

export const Route = createFileRoute("/_app/settings/roles")({ validateSearch: Search, component: RolesPage });
