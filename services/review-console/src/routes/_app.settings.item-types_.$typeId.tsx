import { createFileRoute } from "@tanstack/react-router";

import { ItemTypePage } from "@/item-type/item-type-page";

export const Route = createFileRoute("/_app/settings/item-types_/$typeId")({ component: ItemTypePage });
