import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { keys } from "@/key/registry";

import { coloured, further, reveiled, stagesOf } from "./stage";
import { veilAll } from "./again";
// Loaded before, so that a test does not wait for what is loaded with the first look.
import "./picture";
import "./player";
import { Veil, type LoadStage, type Medium } from "./veil";

const MEDIUM = { ref: "m1", kind: "image", caption: "A gate", width: 3, height: 2 } as const;
const WELLNESS = { blurLevel: 4, grayscale: true, sepia: false, muteVideo: true, muteAudio: true, veilAfter: 20 };

beforeEach(() => {
  URL.createObjectURL = () => "blob:here";
  URL.revokeObjectURL = () => undefined;
});

function show(load: LoadStage, jobKey = "job 1", more: Partial<typeof WELLNESS> = {}, medium: Medium = MEDIUM) {
  const queries = new QueryClient();
  const tree = (key: string) => (
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <Veil medium={medium} load={load} wellness={{ ...WELLNESS, ...more }} jobKey={key} keyed />
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
  const stages = stagesOf("image", true);
  expect(further("caption", stages)).toBe("veiled");
  expect(further("veiled", stages)).toBe("grey");
  expect(further("grey", stages)).toBe("grey");
  expect(coloured("veiled", stages)).toBe("grey");
  expect(coloured("grey", stages)).toBe("colour");
  expect(coloured("colour", stages)).toBe("grey");
  expect(reveiled("colour")).toBe("veiled");
});

it("a picture has no grey where somebody chose to see them as they are, a sound never has, a film always its frames", () => {
  expect(stagesOf("image", false)).toEqual(["caption", "veiled", "colour"]);
  expect(stagesOf("audio", true)).toEqual(["caption", "veiled", "colour"]);
  expect(stagesOf("video", false)).toContain("grey");
  expect(further("veiled", stagesOf("image", false))).toBe("colour");
  expect(coloured("colour", stagesOf("audio", true))).toBe("veiled");
});

it("of child safety grey comes first whatever is chosen, and a caption before that", async () => {
  const load = vi.fn<LoadStage>(async () => new Blob(["x"]));
  show(load, "job 1", { grayscale: false }, { ...MEDIUM, isGrave: true });
  await screen.findByAltText("Picture, veiled. A gate");
  press("b");
  expect(await screen.findByAltText("Picture as sent. A gate")).toBeVisible();
  expect(asked(load)).toEqual(["veiled", "grey"]);
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
  show(load, "job 1", { veilAfter: 0.03 });
  await screen.findByAltText("Picture, veiled. A gate");
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  await waitFor(() => expect(screen.getByAltText("Picture, veiled. A gate")).toBeVisible());
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  fireEvent.blur(window);
  expect(await screen.findByAltText("Picture, veiled. A gate")).toBeVisible();
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  act(veilAll);
  expect(await screen.findByAltText("Picture, veiled. A gate")).toBeVisible();
});

it("stays lifted until it is left, where somebody chose that", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const load = vi.fn<LoadStage>(async () => new Blob(["x"]));
  show(load, "job 1", { veilAfter: 0 });
  await screen.findByAltText("Picture, veiled. A gate");
  press("b");
  await screen.findByAltText("Picture as sent. A gate");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(screen.getByAltText("Picture as sent. A gate")).toBeVisible();
  vi.useRealTimers();
});

it("a film is played from its address, silent as it was chosen, and never by itself", async () => {
  const load = vi.fn<LoadStage>(async (_, stage) => (stage === "colour" ? "/v1/media/m1?part=stream" : new Blob(["x"])));
  show(load, "job 1", {}, { ...MEDIUM, kind: "video" });
  await screen.findByAltText("Video, veiled. A gate");
  press("b");
  await screen.findByAltText("Video as sent. A gate");
  press("c");
  const film = await screen.findByLabelText<HTMLVideoElement>("Video as sent. A gate");
  expect(film.getAttribute("src")).toBe("/v1/media/m1?part=stream");
  expect(film.muted).toBe(true);
  expect(film.autoplay).toBe(false);
  press(".");
  expect(screen.getByRole("button", { name: /^Play/ })).toBeVisible();
});
