import { createFileRoute } from "@tanstack/react-router";

import { LocationBankPage } from "@/bank/location-bank-page";

export const Route = createFileRoute("/_app/banks_/location/$bankId")({ component: LocationBankPage });
