import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { keys } from "@/key/registry";

import { coloured, further, reveiled, stagesOf } from "./stage";
import { veilAll } from "./again";
import type { FlashesOf } from "./flash";
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
afterEach(() => vi.restoreAllMocks());

const STEADY: FlashesOf = async () => ({ found: "NO", at: null });

function show(load: LoadStage, jobKey = "job 1", more: Partial<typeof WELLNESS> = {}, medium: Medium = MEDIUM, flashesOf = STEADY) {
  const queries = new QueryClient();
  const tree = (key: string) => (
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <Veil medium={medium} load={load} flashesOf={flashesOf} wellness={{ ...WELLNESS, ...more }} jobKey={key} keyed />
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

function trackOf(place: ParentNode): HTMLTrackElement {
  const found = place.querySelector("track");
  if (!found) throw new Error("no track");
  return found;
}

it("what is said in a film is read before it is heard, and a line of it is where the film goes", async () => {
  show(async (_, stage) => (stage === "colour" ? "/v1/media/m1?reveal=r&part=stream" : new Blob(["x"])), "job 1", {}, { ...MEDIUM, kind: "video" });
  await played();
  const film = screen.getByLabelText<HTMLVideoElement>("Video as sent. A gate");
  const track = trackOf(film);
  expect(track.getAttribute("src")).toBe("/v1/media/m1?reveal=r&part=captions");
  expect(screen.getByText("It is being looked at for words to read.")).toBeVisible();
  const cue = (startTime: number, endTime: number, text: string) => ({ startTime, endTime, getCueAsHTML: () => document.createTextNode(text) });
  Object.defineProperty(track, "track", { value: { cues: [cue(0.5, 1, "Hello"), cue(63, 64, "<b>Later</b>")] } });
  fireEvent(track, new Event("load"));
  const { play } = watched();
  expect(screen.getByRole("button", { name: /Read what is said \(2 lines\)/ })).toHaveAttribute("aria-expanded", "false");
  act(() => void press("q"));
  const said = screen.getByRole("list", { name: "What is said in the film" });
  expect(said).toHaveTextContent("0:00Hello1:03<b>Later</b>");
  fireEvent.click(screen.getByText("<b>Later</b>"));
  expect(film.currentTime).toBe(63);
  expect(play).not.toHaveBeenCalled();
});

it("a film without words says so, and so does one whose words could not be read", async () => {
  show(filmed, "job 1", {}, FILM);
  await played();
  const track = trackOf(document);
  Object.defineProperty(track, "track", { value: { cues: [] } });
  fireEvent(track, new Event("load"));
  expect(screen.getByText("The film brings no words to read.")).toBeVisible();
  fireEvent(track, new Event("error"));
  expect(screen.getByText("It is not known whether it brings words to read.")).toBeVisible();
});

const FILM: Medium = { ...MEDIUM, kind: "video" };
const filmed: LoadStage = async (_, stage) => (stage === "colour" ? "/v1/media/m1?part=stream" : new Blob(["x"]));

/** What the player does to its film: nothing is played here. */
function watched() {
  const play = vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(async function (this: HTMLMediaElement) {
    fireEvent.play(this);
  });
  const pause = vi.spyOn(HTMLMediaElement.prototype, "pause").mockImplementation(function (this: HTMLMediaElement) {
    fireEvent.pause(this);
  });
  return { play, pause };
}

const space = () => act(() => void press(" ", { code: "Space" }));

async function played() {
  await screen.findByAltText("Video, veiled. A gate");
  act(() => void press("b"));
  await screen.findByAltText("Video as sent. A gate");
  act(() => void press("c"));
  await screen.findByLabelText("Video as sent. A gate");
}

it("whether a film flashes is asked from its frames on, and of nothing else", async () => {
  const flashesOf = vi.fn(STEADY);
  show(filmed, "job 1", {}, FILM, flashesOf);
  await screen.findByAltText("Video, veiled. A gate");
  expect(flashesOf).not.toHaveBeenCalled();
  press("b");
  await screen.findByAltText("Video as sent. A gate");
  expect(flashesOf).toHaveBeenCalledTimes(1);
  press("c");
  expect(await screen.findByText("No flashes were found in it.")).toBeVisible();
  const { play } = watched();
  space();
  expect(play).toHaveBeenCalledTimes(1);
  expect(flashesOf).toHaveBeenCalledTimes(1);
});

it("a film that flashes says so and asks, once in a job", async () => {
  const { play } = watched();
  const { next } = show(filmed, "job 1", {}, FILM, async () => ({ found: "YES", at: 3.2 }));
  await played();
  expect(await screen.findByText(/It flashes from 0:03 on/)).toBeVisible();
  space();
  expect(play).not.toHaveBeenCalled();
  expect(screen.getByRole("status")).toHaveTextContent("Play it anyway?");
  const anyway = screen.getByRole("button", { name: /^Play anyway/ });
  expect(anyway).toHaveAccessibleDescription(/It flashes from 0:03 on/);
  fireEvent.click(anyway);
  expect(play).toHaveBeenCalledTimes(1);
  act(() => void press("b", { shiftKey: true }));
  await played();
  space();
  expect(play).toHaveBeenCalledTimes(2);
  next("job 2");
  await played();
  space();
  expect(play).toHaveBeenCalledTimes(2);
  space();
  expect(play).toHaveBeenCalledTimes(3);
});

it("a film of which it is not known asks too; that it flashes, known later, stops it and asks again", async () => {
  const { play, pause } = watched();
  let answer: (found: { found: "YES"; at: number }) => void = () => undefined;
  show(filmed, "job 3", {}, FILM, () => new Promise((resolve) => (answer = resolve)));
  await played();
  expect(screen.getByText("It is being looked at for flashes.")).toBeVisible();
  space();
  expect(play).not.toHaveBeenCalled();
  space();
  expect(play).toHaveBeenCalledTimes(1);
  expect(screen.getByRole("button", { name: /^Pause/ })).toBeVisible();
  act(() => answer({ found: "YES", at: 0 }));
  expect(await screen.findByText(/It flashes from 0:00 on/)).toBeVisible();
  expect(pause).toHaveBeenCalledTimes(1);
  space();
  expect(play).toHaveBeenCalledTimes(1);
  space();
  expect(play).toHaveBeenCalledTimes(2);
});

it("a film that cannot be looked at is not known to be steady, and a key held down walks through none of its frames", async () => {
  watched();
  show(filmed, "job 4", {}, FILM, async () => {
    throw new Error("away");
  });
  await played();
  expect(await screen.findByText("It is not known whether it flashes.")).toBeVisible();
  const steps = () => keys.commands().find((one) => one.id === "veil.frameOn")?.repeats;
  expect(steps()).toBe(false);
  space();
  space();
  expect(steps()).toBe(true);
});
