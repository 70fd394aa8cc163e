import { describe, expect, it, vi } from "vitest";

import { KeyRegistry, type Command, type Surroundings } from "./registry";

const FREE: Surroundings = { typing: false, composing: false, dialog: false };

function press(registry: KeyRegistry, key: string, around: Partial<Surroundings> = {}, held: Partial<KeyboardEventInit> = {}, now = 0): boolean {
  const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key;
  return registry.press(new KeyboardEvent("keydown", { key, code, ...held }), { ...FREE, ...around }, now);
}

function command(id: string, keys: string | string[], more: Partial<Command> = {}): Command {
  return { id, keys, scope: "global", label: id, ...more, run: vi.fn<Command["run"]>() };
}

describe("one press", () => {
  it("runs the command of the innermost scope, and that one alone", () => {
    const registry = new KeyRegistry();
    const outer = command("outer", "J");
    const inner = command("inner", "J", { scope: "childSafety" });
    registry.add(outer);
    registry.add(inner);
    expect(press(registry, "j")).toBe(true);
    expect(inner.run).toHaveBeenCalledOnce();
    expect(outer.run).not.toHaveBeenCalled();
  });

  it("does nothing while somebody types, but for a command that says anywhere", () => {
    const registry = new KeyRegistry();
    const plain = command("plain", "B");
    const chord = command("chord", "Mod+Enter", { anywhere: true });
    registry.add(plain);
    registry.add(chord);
    expect(press(registry, "b", { typing: true })).toBe(false);
    expect(press(registry, "Enter", { typing: true }, { ctrlKey: true })).toBe(true);
  });

  it("does nothing while an input method composes", () => {
    const registry = new KeyRegistry();
    registry.add(command("chord", "Mod+Enter", { anywhere: true }));
    expect(press(registry, "Enter", { composing: true }, { ctrlKey: true })).toBe(false);
  });

  it("does nothing behind a dialog, but for a command that says always", () => {
    const registry = new KeyRegistry();
    const behind = command("behind", "B");
    const chord = command("chord", "Mod+Enter", { anywhere: true });
    const within = command("within", "Enter", { scope: "dialog" });
    const away = command("away", "Alt+0", { always: true });
    for (const one of [behind, chord, within, away]) registry.add(one);
    expect(press(registry, "b", { dialog: true })).toBe(false);
    expect(press(registry, "Enter", { dialog: true, typing: true }, { ctrlKey: true })).toBe(false);
    expect(press(registry, "Enter", { dialog: true })).toBe(true);
    expect(press(registry, "0", { dialog: true, typing: true }, { altKey: true })).toBe(true);
  });

  it("held down runs again only what walks", () => {
    const registry = new KeyRegistry();
    const send = command("send", "Mod+Enter", { anywhere: true });
    const next = command("next", "J", { repeats: true });
    registry.add(send);
    registry.add(next);
    expect(press(registry, "Enter", {}, { ctrlKey: true, repeat: true })).toBe(true);
    expect(send.run).not.toHaveBeenCalled();
    press(registry, "j", {}, { repeat: true });
    expect(next.run).toHaveBeenCalledOnce();
  });

  it("with another modifier is another key", () => {
    const registry = new KeyRegistry();
    const plain = command("plain", "C");
    registry.add(plain);
    expect(press(registry, "c", {}, { ctrlKey: true })).toBe(false);
    expect(press(registry, "C", {}, { shiftKey: true })).toBe(false);
    expect(press(registry, "c", {}, { metaKey: true })).toBe(false);
    expect(plain.run).not.toHaveBeenCalled();
  });
});

describe("a sequence", () => {
  it("is two presses within a second", () => {
    const registry = new KeyRegistry();
    const go = command("go", "G Q");
    registry.add(go);
    press(registry, "g", {}, {}, 1000);
    expect(press(registry, "q", {}, {}, 1500)).toBe(true);
    press(registry, "g", {}, {}, 5000);
    expect(press(registry, "q", {}, {}, 6500)).toBe(false);
    expect(go.run).toHaveBeenCalledOnce();
  });

  it("that leads nowhere still lets the last press do what it does alone", () => {
    const registry = new KeyRegistry();
    const next = command("next", "J");
    registry.add(command("go", "G Q"));
    registry.add(next);
    press(registry, "g");
    expect(press(registry, "j")).toBe(true);
  });
});

describe("a person's own keys", () => {
  it("take the place of the given ones", () => {
    const registry = new KeyRegistry();
    const reveal = command("veil.reveal", "B");
    registry.add(reveal);
    registry.configure({ "veil.reveal": "V" }, true);
    expect(press(registry, "b")).toBe(false);
    expect(press(registry, "v")).toBe(true);
  });

  it("switched off leave only what has Ctrl, ⌘ or Alt", () => {
    const registry = new KeyRegistry();
    registry.add(command("plain", "B"));
    registry.add(command("away", "Alt+0"));
    registry.configure({}, false);
    expect(press(registry, "b")).toBe(false);
    expect(press(registry, "0", {}, { altKey: true })).toBe(true);
  });
});

it("says which commands of one scope have the same keys, or one the beginning of the other's", () => {
  const registry = new KeyRegistry();
  registry.add(command("one", "G"));
  registry.add(command("two", "G Q"));
  registry.add(command("three", "G", { scope: "list" }));
  expect(registry.collisions().map(([a, b]) => [a.id, b.id])).toEqual([["one", "two"]]);
});

it("gives no key to a command that another of its scope has, nor one that begins another's", () => {
  const registry = new KeyRegistry();
  const one = command("one", "N");
  registry.add(one);
  registry.add(command("two", "G Q"));
  registry.add(command("three", "J", { scope: "list" }));
  registry.configure({ one: "M" }, true);
  expect(registry.holderOf("G", one)?.id).toBe("two");
  expect(registry.holderOf("M", { id: "four", scope: "global" })?.id).toBe("one");
  expect(registry.holderOf("M", one)).toBeUndefined();
  expect(registry.holderOf("J", one)).toBeUndefined();
});
