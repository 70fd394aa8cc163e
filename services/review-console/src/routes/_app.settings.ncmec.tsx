import { createFileRoute } from "@tanstack/react-router";

import { NcmecPage } from "@/cybertip/ncmec-page";

export const Route = createFileRoute("/_app/settings/ncmec")({ component: NcmecPage });
