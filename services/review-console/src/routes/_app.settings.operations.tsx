import { createFileRoute } from "@tanstack/react-router";

import { OperationsPage } from "@/operation/operations-page";

export const Route = createFileRoute("/_app/settings/operations")({ component: OperationsPage });
