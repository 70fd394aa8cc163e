import { createFileRoute } from "@tanstack/react-router";

import { BulkPage } from "@/bulk-action/bulk-page";
import { Search } from "@/bulk-action/query";

export const Route = createFileRoute("/_app/bulk-actions")({ validateSearch: Search, component: BulkPage });
