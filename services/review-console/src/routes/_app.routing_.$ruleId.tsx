import { createFileRoute } from "@tanstack/react-router";

import { RoutingRulePage } from "@/routing/rule-page";
import { Search } from "@/routing/search";

export const Route = createFileRoute("/_app/routing_/$ruleId")({ validateSearch: Search, component: RoutingRulePage });
