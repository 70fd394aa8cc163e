/** The routes of `routes/`, as the plugin gathers them in `routeTree.gen.ts`. */
import { createRouter } from "@tanstack/react-router";

import { Problem } from "@/control/state";

import { routeTree } from "./routeTree.gen";

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: false,
  // A page that cannot be shown says so in its place; what is around it stays.
  defaultErrorComponent: ({ error, reset }) => <Problem error={error} again={reset} />,
});

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    /** It goes from one of its addresses to another without being made anew. */
    readonly isOnePage?: boolean;
  }
}
