import { createFileRoute } from "@tanstack/react-router";

import { ChapterPage } from "@/help/help-page";

export const Route = createFileRoute("/_app/help_/$chapter")({ component: ChapterPage });
