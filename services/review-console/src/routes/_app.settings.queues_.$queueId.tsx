import { createFileRoute } from "@tanstack/react-router";

import { QueueFormPage } from "@/queue/form-page";

export const Route = createFileRoute("/_app/settings/queues_/$queueId")({ component: QueueFormPage });
