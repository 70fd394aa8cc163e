import { createFileRoute } from "@tanstack/react-router";

import { ErasuresPage } from "@/erasure/erasures-page";
import { Search } from "@/erasure/query";

export const Route = createFileRoute("/_app/settings/erasures")({ validateSearch: Search, component: ErasuresPage });
