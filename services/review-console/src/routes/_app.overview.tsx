import { createFileRoute } from "@tanstack/react-router";

import { OverviewPage } from "@/overview/overview-page";
import { WindowSearch } from "@/overview/window";

export const Route = createFileRoute("/_app/overview")({ validateSearch: WindowSearch, component: OverviewPage });
