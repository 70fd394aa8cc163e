import { createRootRoute, Outlet } from "@tanstack/react-router";

import { Problem } from "@/control/state";
import { Toasts } from "@/control/toast";
import { useKeyboard } from "@/key/keys";
import { NotFound } from "@/shell/not-found";

export const Route = createRootRoute({
  component: Root,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <Problem error={error} again={reset} />,
});

function Root() {
  useKeyboard();
  return (
    <>
      <Outlet />
      <Toasts />
    </>
  );
}
