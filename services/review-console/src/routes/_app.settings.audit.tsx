import { createFileRoute } from "@tanstack/react-router";

import { AuditPage } from "@/audit/audit-page";
import { Search } from "@/audit/query";

export const Route = createFileRoute("/_app/settings/audit")({ validateSearch: Search, component: AuditPage });
