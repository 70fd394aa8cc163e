import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "@/api/problem";
import { Around, signedIn } from "@/testing/page";

import { AsideStrip } from "./aside-strip";
import { setAside, setRefused } from "./shift";

const at = vi.hoisted(() => ({ path: "/jobs/two", navigate: vi.fn() }));
vi.mock("@tanstack/react-router", () => ({
  useNavigate: () => at.navigate,
  useRouterState: ({ select }: { select: (state: object) => unknown }) => select({ location: { pathname: at.path } }),
}));

const ASIDE = { jobId: "one", what: "Remove", about: "Ana", problem: new ApiProblem("already-closed", 409) };

beforeEach(() => {
  signedIn();
  setRefused("one", null);
  at.navigate.mockReset();
  at.path = "/jobs/two";
});

it("a decision that was refused elsewhere says what, whom, why, and leads back", async () => {
  render(<AsideStrip />, { wrapper: Around });
  expect(screen.queryByRole("alert")).toBeNull();
  act(() => setAside(ASIDE));
  expect(screen.getByRole("alert")).toHaveTextContent("Not decided: Remove, Ana. Somebody decided this job before you.");
  await userEvent.click(screen.getByRole("button", { name: "Open that job" }));
  expect(at.navigate).toHaveBeenCalledWith({ to: "/jobs/$jobId", params: { jobId: "one" } });
  expect(screen.queryByRole("alert")).toBeNull();
});

it("the page of that job says it itself, and it can be laid aside", async () => {
  at.path = "/jobs/one";
  act(() => setAside(ASIDE));
  const view = render(<AsideStrip />, { wrapper: Around });
  expect(screen.queryByRole("alert")).toBeNull();
  at.path = "/queues";
  view.rerender(<AsideStrip />);
  await userEvent.click(screen.getByRole("button", { name: "Say it no longer" }));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(at.navigate).not.toHaveBeenCalled();
});
