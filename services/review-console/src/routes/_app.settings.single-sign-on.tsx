import { createFileRoute } from "@tanstack/react-router";

import { ListSearch } from "@/settings/documents";
import { ProvidersPage } from "@/single-sign-on/providers-page";

export const Route = createFileRoute("/_app/settings/single-sign-on")({ validateSearch: ListSearch, component: ProvidersPage });
