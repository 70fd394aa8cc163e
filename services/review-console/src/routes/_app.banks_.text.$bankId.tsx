import { createFileRoute } from "@tanstack/react-router";

import { TextBankPage } from "@/bank/text-bank-page";

export const Route = createFileRoute("/_app/banks_/text/$bankId")({ component: TextBankPage });
