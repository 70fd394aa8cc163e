import { createFileRoute } from "@tanstack/react-router";

import { RulePage } from "@/rule/rule-page";

export const Route = createFileRoute("/_app/rules_/$ruleId")({ component: RulePage });
