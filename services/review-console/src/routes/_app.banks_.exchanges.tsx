import { createFileRoute } from "@tanstack/react-router";

import { ExchangesPage } from "@/bank/exchanges-page";

export const Route = createFileRoute("/_app/banks_/exchanges")({ component: ExchangesPage });
