import { createFileRoute } from "@tanstack/react-router";

import { PoliciesPage } from "@/policy/policies-page";

export const Route = createFileRoute("/_app/policies")({ component: PoliciesPage });
