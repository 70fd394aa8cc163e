import { createFileRoute } from "@tanstack/react-router";

import { ResetPage } from "@/session/token-pages";

export const Route = createFileRoute("/reset_password")({ component: ResetPage });
