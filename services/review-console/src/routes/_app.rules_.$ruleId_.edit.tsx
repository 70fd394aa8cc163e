import { createFileRoute } from "@tanstack/react-router";

import { EditRulePage } from "@/rule/edit-rule-page";

export const Route = createFileRoute("/_app/rules_/$ruleId_/edit")({ component: EditRulePage });
