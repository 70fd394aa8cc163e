import { createFileRoute } from "@tanstack/react-router";

import { JobPage } from "@/review/job-page";

export const Route = createFileRoute("/_app/jobs/$jobId")({ component: JobPage, staticData: { isOnePage: true } });
