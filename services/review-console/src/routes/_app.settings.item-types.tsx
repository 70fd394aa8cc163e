import { createFileRoute } from "@tanstack/react-router";

import { ItemTypesPage } from "@/item-type/item-types-page";
import { ListSearch } from "@/settings/documents";

export const Route = createFileRoute("/_app/settings/item-types")({ validateSearch: ListSearch, component: ItemTypesPage });
