import { createFileRoute } from "@tanstack/react-router";

import { KeysPage } from "@/api-key/keys-page";

export const Route = createFileRoute("/_app/settings/keys")({ component: KeysPage });
