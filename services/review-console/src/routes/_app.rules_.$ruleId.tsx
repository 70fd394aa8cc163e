import { createFileRoute } from "@tanstack/react-router";

import { RulePage } from "@/rule/rule-page";
import { RuleSearch } from "@/rule/search";

export const Route = createFileRoute("/_app/rules_/$ruleId")({ validateSearch: RuleSearch, component: RulePage });
