import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";

import { queries } from "@/api/query";
import { FactorPage } from "@/session/factor-page";
import { sessionQuery } from "@/session/session";

export const Route = createFileRoute("/second-factor")({
  beforeLoad: async () => {
    if (!(await queries.ensureQueryData(sessionQuery))) throw redirect({ to: "/sign-in", search: { returnTo: "/second-factor" } });
  },
  component: Factor,
});

function Factor() {
  const router = useRouter();
  return <FactorPage done={() => router.history.push("/")} />;
}
