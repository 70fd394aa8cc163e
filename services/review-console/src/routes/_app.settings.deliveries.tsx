import { createFileRoute } from "@tanstack/react-router";

import { DeliveriesPage } from "@/delivery/deliveries-page";
import { Search } from "@/delivery/query";

export const Route = createFileRoute("/_app/settings/deliveries")({ validateSearch: Search, component: DeliveriesPage });
