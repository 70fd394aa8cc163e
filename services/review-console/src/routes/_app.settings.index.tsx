import { createFileRoute, redirect } from "@tanstack/react-router";

import { queries } from "@/api/query";
import { sessionQuery } from "@/session/session";
import { openSettings } from "@/shell/navigation";

/** The first that is open; of all settings everybody has their own. */
export const Route = createFileRoute("/_app/settings/")({
  beforeLoad: async () => {
    const session = await queries.ensureQueryData(sessionQuery);
    const [first] = openSettings(session?.permissions ?? []).flatMap((group) => group.pages);
    throw redirect({ to: (first?.to ?? "/settings/account") as "/settings/account" });
  },
});
