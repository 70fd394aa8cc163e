import { createFileRoute } from "@tanstack/react-router";

import { IntegrationsPage } from "@/integration/integrations-page";

export const Route = createFileRoute("/_app/settings/integrations")({ component: IntegrationsPage });
