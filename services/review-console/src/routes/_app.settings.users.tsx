import { createFileRoute } from "@tanstack/react-router";

import { Search } from "@/people/query";
import { UsersPage } from "@/people/users-page";

export const Route = createFileRoute("/_app/settings/users")({ validateSearch: Search, component: UsersPage });
