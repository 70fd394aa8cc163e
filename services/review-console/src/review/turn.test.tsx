import { render, screen, waitFor } from "@testing-library/react";
import { useEffect } from "react";
import { expect, it } from "vitest";

import { Turn } from "./turn";

const done: string[] = [];
const made = new Set<string>();

function Part({ name }: { name: string }) {
  made.add(name);
  useEffect(() => {
    done.push(`${name} begins`);
    return () => void done.push(`${name} ends`);
  }, [name]);
  return <button type="button">{name}</button>;
}

const turns = (...names: [string, ...string[]]) =>
  names.map((name) => (
    <Turn key={name} isNow={name === names[0]}>
      <Part name={name} />
    </Turn>
  ));

it("what comes next is made, and is nowhere and does nothing before its turn", async () => {
  const { rerender } = render(turns("first", "second"));
  await screen.findByText("first");
  await waitFor(() => expect(made).toContain("second"));
  expect(screen.queryByText("second")).toBeNull();
  expect(done).toEqual(["first begins"]);
  rerender(turns("second"));
  await screen.findByText("second");
  expect(screen.queryByText("first")).toBeNull();
  expect(done).toEqual(["first begins", "first ends", "second begins"]);
});
