import { createFileRoute } from "@tanstack/react-router";

import { HashBankPage } from "@/bank/hash-bank-page";

export const Route = createFileRoute("/_app/banks_/hash/$bankId")({ component: HashBankPage });
