import { createFileRoute, useRouter } from "@tanstack/react-router";

import { FactorPage } from "@/session/factor-page";

export const Route = createFileRoute("/second-factor")({ component: Factor });

function Factor() {
  const router = useRouter();
  return <FactorPage done={() => router.history.push("/")} />;
}
