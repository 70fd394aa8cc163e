import { createFileRoute } from "@tanstack/react-router";

import { RulesPage } from "@/rule/rules-page";
import { Search } from "@/rule/search";

export const Route = createFileRoute("/_app/rules")({ validateSearch: Search, component: RulesPage });
