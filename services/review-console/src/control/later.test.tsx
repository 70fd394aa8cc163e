import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, it, vi } from "vitest";

import { later } from "./later";

const Shown = ({ name }: { name: string }) => <p>{name}</p>;

it("what was fetched is there with the page around it, and what was not is waited for", async () => {
  const { Part, fetch } = later(() => Promise.resolve({ default: Shown }));
  const page = (name: string) => (
    <Suspense fallback="waits">
      <Part name={name} />
    </Suspense>
  );
  const { unmount } = render(page("first"));
  expect(screen.getByText("waits")).toBeVisible();
  expect(await screen.findByText("first")).toBeVisible();
  unmount();
  await fetch();
  render(page("second"));
  expect(screen.getByText("second")).toBeVisible();
  expect(screen.queryByText("waits")).toBeNull();
});

it("what could not be fetched ahead is fetched when it is wanted", async () => {
  const load = vi.fn<() => Promise<{ default: typeof Shown }>>().mockRejectedValueOnce(new Error("gone")).mockResolvedValue({ default: Shown });
  const { Part, fetch } = later(load);
  await expect(fetch()).rejects.toThrow("gone");
  render(
    <Suspense>
      <Part name="there" />
    </Suspense>,
  );
  expect(await screen.findByText("there")).toBeVisible();
});
