import { createFileRoute } from "@tanstack/react-router";

import { AnalyticsPage } from "@/analytics/analytics-page";
import { Search } from "@/analytics/search";

export const Route = createFileRoute("/_app/analytics")({ validateSearch: Search, component: AnalyticsPage });
