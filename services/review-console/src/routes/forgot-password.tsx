import { createFileRoute } from "@tanstack/react-router";

import { ForgotPage } from "@/session/token-pages";

export const Route = createFileRoute("/forgot-password")({ component: ForgotPage });
