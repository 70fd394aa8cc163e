import { createFileRoute } from "@tanstack/react-router";

import { DecisionsPage } from "@/decision-log/decisions-page";
import { Search } from "@/decision-log/search";

export const Route = createFileRoute("/_app/decisions")({ validateSearch: Search, component: DecisionsPage });
