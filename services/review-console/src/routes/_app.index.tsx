import { createFileRoute, redirect } from "@tanstack/react-router";

import { queries } from "@/api/query";
import { sessionQuery } from "@/session/session";
import { landingOf } from "@/shell/navigation";
import { NoPermission } from "@/shell/not-found";

export const Route = createFileRoute("/_app/")({
  beforeLoad: async () => {
    const session = await queries.ensureQueryData(sessionQuery);
    const to = session ? landingOf(session.permissions) : null;
    if (to) throw redirect({ to: to as "/queues" });
  },
  component: NoPermission,
});
