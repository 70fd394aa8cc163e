/** Everything behind the door: there is a session, and the shell around each page. */
import { createFileRoute, redirect } from "@tanstack/react-router";

import { queries } from "@/api/query";
import { Problem, Skeleton } from "@/control/state";
import { sessionQuery } from "@/session/session";
import { Shell } from "@/shell/shell";

export const Route = createFileRoute("/_app")({
  beforeLoad: async ({ location }) => {
    const session = await queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: "/sign-in", search: { returnTo: location.href } });
    if (session.mustSetUpSecondFactor) throw redirect({ to: "/second-factor" });
  },
  component: Shell,
  pendingComponent: () => <Skeleton />,
  errorComponent: ({ error, reset }) => <Problem error={error} again={reset} />,
});
