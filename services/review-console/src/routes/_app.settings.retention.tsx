import { createFileRoute } from "@tanstack/react-router";

import { Search } from "@/retention/query";
import { RetentionPage } from "@/retention/retention-page";

export const Route = createFileRoute("/_app/settings/retention")({ validateSearch: Search, component: RetentionPage });
