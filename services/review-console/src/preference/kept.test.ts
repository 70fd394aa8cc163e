import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { answering, later } from "@/testing/api";

import { startKeeping } from "./kept";
import { prefer, preference, Travelling } from "./preference";

const GET = "GET /v1/me/preferences";
const PUT = "PUT /v1/me/preferences/{key}";
const of = (timeZone: string | null) => ({ items: [{ key: "console", value: { ...Travelling.parse(preference()), timeZone } }] });

let stop: (() => void) | undefined;
beforeEach(() => {
  localStorage.clear();
  vi.restoreAllMocks();
  prefer({ timeZone: null });
});
afterEach(() => stop?.());

it("what the account has is in force, and a change is sent to it", async () => {
  const asked = answering({ [GET]: () => of("Asia/Kolkata"), [PUT]: () => ({}) });
  stop = startKeeping("alma");
  await vi.waitFor(() => expect(preference().timeZone).toBe("Asia/Kolkata"));
  expect(asked.filter(({ what }) => what === PUT)).toEqual([]);
  prefer({ timeZone: "Europe/Kyiv" });
  await vi.waitFor(() => expect(asked.at(-1)).toMatchObject({ what: PUT, init: { body: { value: { timeZone: "Europe/Kyiv" } } } }), 5_000);
});

it("what was chosen before the account answered is not written over, and goes to the account", async () => {
  const answer = later<unknown>();
  const asked = answering({ [GET]: () => answer.promise, [PUT]: () => ({}) });
  stop = startKeeping("alma");
  prefer({ timeZone: "Europe/Kyiv" });
  answer.give(of("Asia/Kolkata"));
  await vi.waitFor(() => expect(asked.at(-1)).toMatchObject({ what: PUT, init: { body: { value: { timeZone: "Europe/Kyiv" } } } }), 5_000);
  expect(preference().timeZone).toBe("Europe/Kyiv");
});

it("a choice whose page was left at once is sent by the next one, of the same person only", async () => {
  answering({ [GET]: () => of("Asia/Kolkata"), [PUT]: () => Promise.reject(new Error("left")) });
  const left = startKeeping("alma");
  await vi.waitFor(() => expect(preference().timeZone).toBe("Asia/Kolkata"));
  prefer({ timeZone: "Europe/Kyiv" });
  left();

  let asked = answering({ [GET]: () => of("Asia/Kolkata"), [PUT]: () => ({}) });
  stop = startKeeping("alma");
  await vi.waitFor(() => expect(asked.at(-1)).toMatchObject({ what: PUT, init: { body: { value: { timeZone: "Europe/Kyiv" } } } }), 5_000);
  await vi.waitFor(() => expect(localStorage.getItem("coop.preference.unkept")).toBeNull());
  stop();

  localStorage.setItem("coop.preference.unkept", "somebody");
  asked = answering({ [GET]: () => of("Asia/Kolkata"), [PUT]: () => ({}) });
  stop = startKeeping("alma");
  await vi.waitFor(() => expect(preference().timeZone).toBe("Asia/Kolkata"));
  expect(asked.filter(({ what }) => what === PUT)).toEqual([]);
});
