import { createFileRoute } from "@tanstack/react-router";

import { NewRulePage } from "@/rule/new-rule-page";
import { NewSearch } from "@/rule/search";

export const Route = createFileRoute("/_app/rules_/new")({ validateSearch: NewSearch, component: NewRulePage });
