import { createFileRoute } from "@tanstack/react-router";

import { FirstStepsPage } from "@/first-step/first-steps-page";

export const Route = createFileRoute("/_app/settings/first-steps")({ component: FirstStepsPage });
