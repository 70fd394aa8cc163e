import { createFileRoute } from "@tanstack/react-router";

import { QualityPage } from "@/quality/quality-page";
import { Search } from "@/quality/search";

export const Route = createFileRoute("/_app/quality")({ validateSearch: Search, component: QualityPage });
