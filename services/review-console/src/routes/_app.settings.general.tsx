import { createFileRoute } from "@tanstack/react-router";

import { SettingsPage } from "@/organisation/settings-page";

export const Route = createFileRoute("/_app/settings/general")({ component: SettingsPage });
