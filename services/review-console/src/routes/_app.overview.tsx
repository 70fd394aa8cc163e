import { createFileRoute } from "@tanstack/react-router";

import { OverviewPage } from "@/overview/overview-page";
import { WindowSearch } from "@/measure/search";

export const Route = createFileRoute("/_app/overview")({ validateSearch: WindowSearch, component: OverviewPage });
