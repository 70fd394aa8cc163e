import { createFileRoute } from "@tanstack/react-router";

import { SignUpPage } from "@/session/token-pages";

export const Route = createFileRoute("/signup")({ component: SignUpPage });
