import { createFileRoute } from "@tanstack/react-router";

import { Search } from "@/cybertip/query";
import { ReportsPage } from "@/cybertip/reports-page";

export const Route = createFileRoute("/_app/child-safety")({ validateSearch: Search, component: ReportsPage });
