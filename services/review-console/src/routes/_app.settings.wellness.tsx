import { createFileRoute } from "@tanstack/react-router";

import { OrganisationWellnessPage } from "@/wellness/organisation-page";

export const Route = createFileRoute("/_app/settings/wellness")({ component: OrganisationWellnessPage });
