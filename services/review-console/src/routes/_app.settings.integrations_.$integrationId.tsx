import { createFileRoute } from "@tanstack/react-router";

import { IntegrationPage } from "@/integration/integration-page";

export const Route = createFileRoute("/_app/settings/integrations_/$integrationId")({ component: IntegrationPage });
