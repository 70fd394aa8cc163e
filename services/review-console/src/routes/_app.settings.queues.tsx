import { createFileRoute } from "@tanstack/react-router";

import { QueueFormsPage } from "@/queue/form-list-page";
import { ListSearch } from "@/settings/documents";

export const Route = createFileRoute("/_app/settings/queues")({ validateSearch: ListSearch, component: QueueFormsPage });
