import { createFileRoute } from "@tanstack/react-router";

import { Search } from "@/queue/list";
import { ListPage } from "@/queue/list-page";

export const Route = createFileRoute("/_app/queues_/$queueId")({ validateSearch: Search, component: ListPage });
