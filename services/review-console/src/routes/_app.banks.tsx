import { createFileRoute } from "@tanstack/react-router";

import { BanksPage } from "@/bank/banks-page";
import { Search } from "@/bank/search";

export const Route = createFileRoute("/_app/banks")({ validateSearch: Search, component: BanksPage });
