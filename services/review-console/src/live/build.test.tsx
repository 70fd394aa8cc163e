import { MantineProvider } from "@mantine/core";
import { render, renderHook, screen } from "@testing-library/react";
import { lazy, Suspense, useState } from "react";
import { expect, it, vi } from "vitest";

import { Overlay } from "@/control/overlay";
import { Pane } from "@/control/state";
import { Toasts } from "@/control/toast";

import { useNewBuild } from "./build";

it("a part of this build that is not there any more says so in its place and that there is another build, and loads nothing by itself", async () => {
  const { result } = renderHook(() => useNewBuild("one"));
  expect(result.current).toBe(false);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const Gone = lazy(() => Promise.reject<{ default: () => null }>(new TypeError("Failed to fetch dynamically imported module: /assets/thread-1234.js")));
  render(
    <MantineProvider env="test">
      <p>Beside it</p>
      <Pane>
        <Suspense>
          <Gone />
        </Suspense>
      </Pane>
    </MantineProvider>,
  );
  expect(await screen.findByRole("alert")).toHaveTextContent("the console was renewed");
  expect(screen.getByRole("button", { name: "Load again" })).toBeVisible();
  expect(screen.getByText("Beside it")).toBeVisible();
  expect(result.current).toBe(true);
});

it("a dialog that cannot be loaded is said, and takes nothing with it", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const Gone = lazy(() => Promise.reject<{ default: () => null }>(new TypeError("Failed to fetch dynamically imported module: /assets/keeping-1234.js")));
  function Page() {
    const [isOpen, setOpen] = useState(true);
    return (
      <MantineProvider env="test">
        <p>{isOpen ? "open" : "closed"}</p>
        <Overlay close={() => setOpen(false)}>{isOpen ? <Gone /> : null}</Overlay>
        <Toasts />
      </MantineProvider>
    );
  }
  render(<Page />);
  expect(await screen.findByText("closed")).toBeVisible();
  expect(screen.getByRole("group")).toHaveTextContent("the console was renewed");
});
