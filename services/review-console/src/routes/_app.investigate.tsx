import { createFileRoute } from "@tanstack/react-router";

import { InvestigatePage } from "@/investigation/investigate-page";
import { Search } from "@/investigation/query";

export const Route = createFileRoute("/_app/investigate")({ validateSearch: Search, component: InvestigatePage });
