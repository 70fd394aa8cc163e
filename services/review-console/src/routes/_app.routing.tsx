import { createFileRoute } from "@tanstack/react-router";

import { RoutingPage } from "@/routing/routing-page";
import { Search } from "@/routing/search";

export const Route = createFileRoute("/_app/routing")({ validateSearch: Search, component: RoutingPage });
