import { createFileRoute } from "@tanstack/react-router";

import { HashesPage } from "@/integration/hashes-page";

export const Route = createFileRoute("/_app/settings/integrations_/hashes")({ component: HashesPage });
