import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { keys } from "@/key/registry";

import { coloured, further, reveiled } from "./stage";
import { Veil, type LoadStage } from "./veil";

const MEDIUM = { ref: "m1", kind: "image", caption: "A gate", width: 3, height: 2 } as const;

beforeEach(() => {
  URL.createObjectURL = () => "blob:here";
  URL.revokeObjectURL = () => undefined;
});

function show(load: LoadStage, jobKey = "job 1", reveilAfter = 20_000) {
  const queries = new QueryClient();
  const tree = (key: string) => (
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <Veil medium={MEDIUM} load={load} jobKey={key} keyed reveilAfter={reveilAfter} />
      </QueryClientProvider>
    </MantineProvider>
  );
  const view = render(tree(jobKey));
  return { next: (key: string) => view.rerender(tree(key)) };
}

const press = (key: string, more: KeyboardEventInit = {}) =>
  keys.press(new KeyboardEvent("keydown", { key, code: `Key${key.toUpperCase()}`, ...more }), { typing: false, composing: false, dialog: false }, 0);
const asked = (load: LoadStage) => vi.mocked(load).mock.calls.map(([, stage]) => stage);

it("goes one stage at a time, and colour only from grey", () => {
  expect(further("caption")).toBe("veiled");
  expect(further("veiled")).toBe("grey");
  expect(further("grey")).toBe("grey");
  expect(coloured("veiled")).toBe("grey");
  expect(coloured("grey")).toBe("colour");
  expect(reveiled("colour")).toBe("veiled");
});

it("asks for the veiled bytes only, whatever the pointer and the focus do", async () => {
  const load = vi.fn<LoadStage>(async () => new Blob(["x"]));
  show(load);
  const picture = await screen.findByAltText("Picture, veiled. A gate");
  fireEvent.mouseEnter(picture);
  fireEvent.mouseOver(picture);
  fireEvent.focus(picture);
  expect(asked(load)).toEqual(["veiled"]);
});

it("shows grey for B, and the next job veiled again", async () => {
  const load = vi.fn<LoadStage>(async () => new Blob(["x"]));
  const { next } = show(load);
  await screen.findByAltText("Picture, veiled. A gate");
  press("b");
  expect(await screen.findByAltText("Picture as sent. A gate")).toBeVisible();
  expect(asked(load)).toEqual(["veiled", "grey"]);
  next("job 2");
  expect(await screen.findByAltText("Picture, veiled. A gate")).toBeVisible();
});

it("veils itself when the tab is left, and by itself after its time", async () => {
  const load = vi.fn<LoadStage>(async () => new Blob(["x"]));
  show(load, "job 1", 30);
  await screen.findByAltText("Picture, veiled. A gate");
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  await waitFor(() => expect(screen.getByAltText("Picture, veiled. A gate")).toBeVisible());
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  fireEvent.blur(window);
  expect(await screen.findByAltText("Picture, veiled. A gate")).toBeVisible();
});
