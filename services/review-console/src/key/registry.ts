/**
 * The one registry of keys: every command with a key is here while its page is open.
 *
 *     press ──▶ composing, or held down (but for walking)? ──▶ nothing
 *           ──▶ typing? ──▶ only commands that say `anywhere`
 *           ──▶ a dialog or a menu open? ──▶ only its own, and what says `always`
 *           ──▶ sequence so far + stroke ──▶ a command of the innermost scope that has one: run it
 *                                        ──▶ the beginning of one: wait 1 s for the rest
 *
 * Guarantees: one press runs one command at most, and a key that is held down only what walks
 * (`repeats`); the innermost scope wins; nothing runs while an input method composes, nor behind what
 * lies over the page; with the master switch off only commands with Ctrl, ⌘ or Alt are left; two commands
 * of one scope never have the same keys (`collisions`).
 * Must not: know what a command does.
 */
import { same, sequenceOf, strokeFrom, type KeyPress, type Stroke } from "./stroke";

/** From the outermost to the innermost. */
export const SCOPES = ["global", "page", "list", "job", "thread", "childSafety", "dialog"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Command {
  /** `queue.start`: stable, it is what a remapping is stored under. */
  readonly id: string;
  readonly scope: Scope;
  /** `Mod+Enter`, `G Q`, or several ways. */
  readonly keys: string | readonly string[];
  /** What it does, for the sheet of keys. */
  readonly label: string;
  /** Also while typing in a field. Must have Ctrl, ⌘ or Alt, or be Escape. */
  readonly anywhere?: boolean;
  /** Also over a dialog or an open menu, and while typing: stepping away. */
  readonly always?: boolean;
  /** Again and again while the key is held down: walking through rows. */
  readonly repeats?: boolean;
  /** False: it is in the sheet, but does nothing now. */
  readonly enabled?: boolean;
  readonly run: (event: KeyboardEvent) => void;
}

export interface Surroundings {
  readonly typing: boolean;
  readonly composing: boolean;
  /** A dialog or a menu lies over the page. */
  readonly dialog: boolean;
}

const PATIENCE_MS = 1000;

export class KeyRegistry {
  readonly #commands = new Map<string, Command>();
  readonly #listeners = new Set<() => void>();
  #configuration = { mapping: {} as Readonly<Record<string, string>>, isOn: true };
  #pressed: Stroke[] = [];
  #pressedAt = 0;
  #snapshot: readonly Command[] = [];

  /** Returns how to take it out again. The last one of an id counts. */
  add(command: Command): () => void {
    this.#commands.set(command.id, command);
    this.#changed();
    return () => {
      if (this.#commands.get(command.id) !== command) return;
      this.#commands.delete(command.id);
      this.#changed();
    };
  }

  /** A person's own keys by id of command, and whether keys without a modifier do anything. */
  configure(mapping: Readonly<Record<string, string>>, isOn: boolean): void {
    this.#configuration = { mapping, isOn };
    this.#changed();
  }

  get isOn(): boolean {
    return this.#configuration.isOn;
  }

  /** Another one whenever keys are other ones than before, whichever commands come and go. */
  configuration = (): object => this.#configuration;

  keysOf(command: Pick<Command, "id" | "keys">): readonly string[] {
    const own = this.#configuration.mapping[command.id];
    if (own !== undefined) return own === "" ? [] : [own];
    // A page may have none of its own to go to it by.
    return [command.keys].flat().filter((written) => written !== "");
  }

  commands = (): readonly Command[] => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Pairs of commands of one scope that the same keys would run. */
  collisions(): [Command, Command][] {
    const found: [Command, Command][] = [];
    const all = [...this.#commands.values()];
    all.forEach((one, index) => {
      for (const other of all.slice(index + 1)) {
        if (one.scope !== other.scope) continue;
        const clash = this.keysOf(one).some((a) => this.keysOf(other).some((b) => meets(a, b)));
        if (clash) found.push([one, other]);
      }
    });
    return found;
  }

  /** What has these keys already, or keys that begin with them or that they begin with, where it works. */
  holderOf(written: string, { id, scope }: Pick<Command, "id" | "scope">): Command | undefined {
    return [...this.#commands.values()].find((one) => one.id !== id && one.scope === scope && this.keysOf(one).some((keys) => meets(keys, written)));
  }

  /** Runs the command that this press completes; says whether the press was used. */
  press(event: KeyboardEvent & KeyPress, around: Surroundings, now: number): boolean {
    if (around.composing) return false;
    const stroke = strokeFrom(event);
    if (!stroke) return false;
    const isChord = stroke.mod || stroke.alt || stroke.key === "Escape";
    if (!this.isOn && !isChord) return false;
    if (now - this.#pressedAt > PATIENCE_MS) this.#pressed = [];
    this.#pressedAt = now;
    const tried = around.typing ? [stroke] : [...this.#pressed, stroke];
    const command = this.#find(tried, around) ?? (tried.length > 1 ? this.#find([stroke], around) : undefined);
    if (command) {
      this.#pressed = [];
      if (!event.repeat || command.repeats) command.run(event);
      return true;
    }
    this.#pressed = around.typing ? [] : this.#begins(tried, around) ? tried : this.#begins([stroke], around) ? [stroke] : [];
    return false;
  }

  #heard(around: Surroundings): Command[] {
    return [...this.#commands.values()]
      .filter((one) => one.enabled !== false)
      .filter((one) => !around.typing || one.anywhere || one.always)
      .filter((one) => !around.dialog || one.scope === "dialog" || one.always)
      .sort((a, b) => SCOPES.indexOf(b.scope) - SCOPES.indexOf(a.scope));
  }

  #find(strokes: readonly Stroke[], around: Surroundings): Command | undefined {
    return this.#heard(around).find((one) => this.keysOf(one).some((keys) => equal(sequenceOf(keys), strokes)));
  }

  #begins(strokes: readonly Stroke[], around: Surroundings): boolean {
    return this.#heard(around).some((one) =>
      this.keysOf(one).some((keys) => sequenceOf(keys).length > strokes.length && startsWith(sequenceOf(keys), strokes)),
    );
  }

  #changed(): void {
    this.#snapshot = [...this.#commands.values()];
    for (const listener of this.#listeners) listener();
  }
}

/** The same keys, or one the beginning of the other. */
function meets(one: string, other: string): boolean {
  const [a, b] = [sequenceOf(one), sequenceOf(other)];
  return startsWith(a, b) || startsWith(b, a);
}

function startsWith(whole: readonly Stroke[], part: readonly Stroke[]): boolean {
  return part.every((stroke, index) => {
    const other = whole[index];
    return other !== undefined && same(other, stroke);
  });
}

function equal(one: readonly Stroke[], other: readonly Stroke[]): boolean {
  return one.length === other.length && startsWith(one, other);
}

export const keys = new KeyRegistry();
