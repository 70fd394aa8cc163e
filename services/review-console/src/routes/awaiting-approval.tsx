import { createFileRoute } from "@tanstack/react-router";

import { WaitingPage } from "@/session/token-pages";

export const Route = createFileRoute("/awaiting-approval")({ component: WaitingPage });
