import { createFileRoute } from "@tanstack/react-router";

import { ActionPage } from "@/action/action-page";

export const Route = createFileRoute("/_app/settings/actions_/$actionId")({ component: ActionPage });
