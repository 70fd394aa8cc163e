import { createFileRoute } from "@tanstack/react-router";

import { ActionsPage } from "@/action/actions-page";
import { ListSearch } from "@/settings/documents";

export const Route = createFileRoute("/_app/settings/actions")({ validateSearch: ListSearch, component: ActionsPage });
