import { createFileRoute } from "@tanstack/react-router";

import { ProviderPage } from "@/single-sign-on/provider-page";

export const Route = createFileRoute("/_app/settings/single-sign-on_/$providerId")({ component: ProviderPage });
