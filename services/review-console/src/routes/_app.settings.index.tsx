import { createFileRoute, redirect } from "@tanstack/react-router";

/** Of all settings everybody has their own. */
export const Route = createFileRoute("/_app/settings/")({
  beforeLoad: () => {
    throw redirect({ to: "/settings/account" });
  },
});
