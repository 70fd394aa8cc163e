import { render, screen } from "@testing-library/react";
import { beforeEach, expect, it } from "vitest";

import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { Glance } from "./glance";

const MEDIA = [{ ref: "a.v1.0", kind: "IMAGE", pointer: "/data/photo" }] as unknown as Parameters<typeof Glance>[0]["media"];

beforeEach(() => {
  answering({});
  signedIn();
});

it("media are there veiled, and of child safety not at all", () => {
  const { rerender } = render(<Glance data={{}} type={undefined} media={MEDIA} isGrave={false} />, { wrapper: Around });
  expect(screen.getByRole("img")).toHaveAttribute("src", expect.stringContaining("stage=veiled"));
  rerender(<Glance data={{}} type={undefined} media={MEDIA} isGrave />);
  expect(screen.queryByRole("img")).toBeNull();
  expect(screen.getByText("1 medium, shown in its job alone")).toBeVisible();
});
