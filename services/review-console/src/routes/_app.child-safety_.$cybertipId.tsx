import { createFileRoute } from "@tanstack/react-router";

import { ReportPage } from "@/cybertip/report-page";

export const Route = createFileRoute("/_app/child-safety_/$cybertipId")({ component: ReportPage });
