import { createFileRoute } from "@tanstack/react-router";

import { AccountPage } from "@/wellness/account-page";

export const Route = createFileRoute("/_app/settings/account")({ component: AccountPage });
