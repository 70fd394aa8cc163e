import { createFileRoute } from "@tanstack/react-router";

import { StrikesPage } from "@/strike/strikes-page";

export const Route = createFileRoute("/_app/strikes")({ component: StrikesPage });
