/**
 * The tree of conditions as something to build: groups within groups, each condition a line of input,
 * signal, comparison and value.
 *
 * Guarantees: all of it by keyboard and by mouse; the focus stays with the part that was changed; each
 * fault that the server names stands below the condition that it is of; every change can be undone.
 */
import { Button, Menu, Select } from "@mantine/core";
import { IconArrowBackUp, IconBraces, IconPlus } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import { begun, inputsOf, isOffered, type RoutingInputs, type Signal } from "./choice";
import { addedAfter, addedTo, moved, negated, partAt, pathOfPointer, pointerOf, removed, replaced, rooted, unwrapped, wrapped, type Changed, type Part, type Path } from "./edit";
import { EditingContext, useEditing, type Banks, type Editing } from "./editing";
import classes from "./editor.module.css";
import { words } from "./editor-words";
import { Line } from "./line";
import { isSet, type ConditionSet } from "./sentence";
import type { Node } from "./tree";

interface Props {
  readonly set: ConditionSet;
  readonly change: (set: ConditionSet) => void;
  readonly itemTypes: Parameters<typeof inputsOf>[0];
  readonly signals: readonly Signal[];
  readonly banks: Banks;
  readonly says: (part: Part) => string;
  /** By pointer below the condition set, as the server names them. */
  readonly faults: readonly { readonly pointer: string; readonly reason: string }[];
  /** What the item that is tried found. */
  readonly found?: Node | null;
  /** Of a routing rule. */
  readonly routing?: RoutingInputs;
}

const UNDONE = 100;
const TYPING_MS = 1000;

export function ConditionEditor({ set: sent, change, itemTypes, signals, banks, says, faults, found, routing }: Props) {
  const say = useWords(words);
  const set = rooted(sent);
  const frame = useRef<HTMLDivElement>(null);
  const goal = useRef<string | null>(null);
  const meant = useRef<Path>([]);
  const typed = useRef({ at: "", when: 0 });
  const [past, setPast] = useState<readonly ConditionSet[]>([]);
  const choices = useMemo(() => inputsOf(itemTypes, say, routing), [itemTypes, say, routing]);
  const offered = useMemo(() => signals.filter((one) => isOffered(one, routing !== undefined)), [signals, routing]);
  const nodes = useMemo(() => nodesOf(found), [found]);

  useEffect(() => {
    if (goal.current === null) return;
    const at = goal.current;
    goal.current = null;
    const handles = [...(frame.current?.querySelectorAll<HTMLElement>("[data-at]") ?? [])];
    (handles.find((one) => one.dataset.at === at) ?? frame.current?.querySelector<HTMLElement>("[data-add]"))?.focus();
  });

  const keep = (next: ConditionSet, before: ConditionSet = set) => {
    setPast((all) => [...all.slice(1 - UNDONE), before]);
    change(next);
  };
  const shape = (make: (set: ConditionSet) => Changed) => {
    const next = make(set);
    goal.current = pointerOf(next.path);
    meant.current = next.path;
    typed.current = { at: "", when: 0 };
    if (next.set !== set) keep(next.set);
  };
  const undo = () => {
    const before = past.at(-1);
    if (before === undefined) return;
    setPast(past.slice(0, -1));
    goal.current = pointerOf(meant.current);
    change(before);
  };
  const faultsAt: Editing["faultsAt"] = (path, below = "", shown = []) => {
    const base = pointerOf(path);
    const isAt = (pointer: string, place: string) => pointer === place || pointer.startsWith(`${place}/`);
    return faults.filter(({ pointer }) => isAt(pointer, base + below) && !shown.some((one) => isAt(pointer, base + below + one))).map(({ reason }) => reason);
  };
  const replace = (path: Path, part: Part) => {
    const at = pointerOf(path);
    const now = performance.now();
    meant.current = path;
    // What is typed in one go is undone in one go.
    const isSame = typed.current.at === at && now - typed.current.when < TYPING_MS;
    typed.current = { at, when: now };
    if (isSame && past.length > 0) change(replaced(set, path, part));
    else keep(replaced(set, path, part));
  };
  const editing: Editing = {
    choices,
    signals: offered,
    signalNamed: (name) => signals.find((one) => one.name === name) ?? null,
    banks,
    says,
    found: nodes,
    faultsAt,
    replace,
    shape,
  };

  /** The part whose handle, or a control of which, has the focus; else the last one that was meant. */
  const current = (): Path => {
    const handle = document.activeElement?.closest<HTMLElement>("[data-part]");
    if (handle && frame.current?.contains(handle)) return pathOfPointer(handle.dataset.part ?? "");
    return partAt(set, meant.current) === null ? [] : meant.current;
  };
  const add = (part: Part) => shape((now) => (current().length === 0 ? addedTo(now, [], part) : addedAfter(now, current(), part)));
  const begin = () => begun(choices, offered);
  const on = (does: (set: ConditionSet, path: Path) => Changed) => shape((now) => (current().length === 0 ? { set: now, path: [] } : does(now, current())));
  const walk = (by: 1 | -1) => {
    const handles = [...(frame.current?.querySelectorAll<HTMLElement>("[data-at]") ?? [])];
    const now = handles.findIndex((one) => one.dataset.at === pointerOf(current()));
    handles[Math.max(0, Math.min(handles.length - 1, now + by))]?.focus();
  };
  useCommand({ id: "condition.add", scope: "page", keys: "A", label: say("addCondition"), run: () => add(begin()) });
  useCommand({ id: "condition.group", scope: "page", keys: "Shift+A", label: say("addGroup"), run: () => add({ conjunction: "OR", conditions: [begin()] }) });
  useCommand({ id: "condition.negate", scope: "page", keys: "N", label: say("negate"), run: () => on(negated) });
  useCommand({ id: "condition.wrap", scope: "page", keys: "Shift+G", label: say("wrap"), run: () => on(wrapped) });
  useCommand({ id: "condition.up", scope: "page", keys: "Alt+ArrowUp", label: say("moveUp"), repeats: true, run: () => on((now, path) => moved(now, path, -1)) });
  useCommand({ id: "condition.down", scope: "page", keys: "Alt+ArrowDown", label: say("moveDown"), repeats: true, run: () => on((now, path) => moved(now, path, 1)) });
  useCommand({ id: "condition.remove", scope: "page", keys: "Delete", label: say("remove"), run: () => on(removed) });
  useCommand({ id: "condition.undo", scope: "page", keys: "Mod+Z", label: say("undoKey"), run: undo });
  useCommand({ id: "condition.previous", scope: "page", keys: "ArrowUp", label: say("previous"), repeats: true, run: () => walk(-1) });
  useCommand({ id: "condition.next", scope: "page", keys: "ArrowDown", label: say("next"), repeats: true, run: () => walk(1) });

  return (
    <EditingContext value={editing}>
      <div ref={frame} className={classes.editor}>
        {set.conditions.length === 0 ? <None signals={offered} start={(signal) => add(begun(choices, signal ? [signal] : offered))} /> : <Group set={set} path={[]} number="" begin={begin} />}
        <Faults path={[]} of={faultsAt([], "", set.conditions.map((_, index) => `/conditions/${index}`))} />
        <div className={classes.bar}>
          <Button size="compact-xs" variant="subtle" disabled={past.length === 0} onClick={undo} leftSection={<IconArrowBackUp size={14} aria-hidden="true" />} rightSection={<Keys of="condition.undo" fallback="Mod+Z" />}>
            {say("undo")}
          </Button>
        </div>
      </div>
    </EditingContext>
  );
}

function nodesOf(root: Node | null | undefined): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>();
  const walk = (node: Node) => {
    found.set(node.path.replace(/^\/conditionSet/, ""), node);
    for (const one of node.conditions ?? []) walk(one);
  };
  if (root) walk(root);
  return found;
}

function None({ signals, start }: { signals: readonly Signal[]; start: (signal: Signal | null) => void }) {
  const say = useWords(words);
  const usual = ["TEXT_MATCHING_CONTAINS_TEXT", "TEXT_MATCHING_CONTAINS_VARIANT", "TEXT_MATCHING_CONTAINS_REGEX"].flatMap((name) => signals.filter((one) => one.name === name));
  return (
    <div className={classes.none}>
      <b>{say("empty")}</b>
      <p className="dim t13">{say("emptyText")}</p>
      <span className={classes.bar}>
        {usual.map((signal, index) => (
          <Button key={signal.name} size="xs" data-add={index === 0 || undefined} onClick={() => start(signal)}>
            {say("startWith", { name: signal.displayName })}
          </Button>
        ))}
        <Button size="xs" data-add={usual.length === 0 || undefined} onClick={() => start(null)} leftSection={<IconPlus size={14} aria-hidden="true" />} rightSection={<Keys of="condition.add" fallback="A" />}>
          {say("condition")}
        </Button>
      </span>
    </div>
  );
}

interface GroupProps {
  readonly set: ConditionSet;
  readonly path: Path;
  readonly number: string;
  readonly isNegated?: boolean;
  readonly begin: () => Part;
}

const JOINS = ["AND", "OR", "XOR"] as const;

function Group({ set, path, number, isNegated = false, begin }: GroupProps) {
  const say = useWords(words);
  const { replace, shape, faultsAt, found } = useEditing();
  const join = set.conjunction as (typeof JOINS)[number];
  const name = number === "" ? say("outermost") : say("groupOf", { n: number });
  return (
    <div className={classes.group} data-depth={path.length}>
      <div className={classes.join} data-part={pointerOf(path)}>
        {number === "" ? null : <Handle path={path} number={number} label={name} isGroup isNegated={isNegated} />}
        {isNegated ? <span className={classes.not}>{say("not")}</span> : null}
        <Select size="xs" className={classes.joins} aria-label={say("joinOf", { group: name })} data={JOINS.map((value) => ({ value: value as string, label: say(value) }))} value={join} onChange={(next) => (next === null ? undefined : replace(path, { ...set, conjunction: next as typeof join }))} allowDeselect={false} />
        <span className="dim t13">{say(isNegated ? `not${join}` : `of${join}`)}</span>
        <Outcome node={found.get(pointerOf(path))} />
      </div>
      {number === "" ? null : <Faults path={path} of={[...aboutNot(faultsAt, path, isNegated), ...faultsAt(path, "", set.conditions.map((_, index) => `/conditions/${index}`))]} />}
      <div className={classes.parts}>
        {set.conditions.map((part, index) => (
          <PartOf key={index} part={part} path={[...path, index]} number={number === "" ? String(index + 1) : `${number}.${index + 1}`} begin={begin} />
        ))}
        <span className={classes.bar}>
          <Button size="compact-xs" variant="subtle" data-add={number === "" || undefined} onClick={() => shape((now) => addedTo(now, path, begin()))} leftSection={<IconPlus size={14} aria-hidden="true" />} rightSection={<Keys of="condition.add" fallback="A" />}>
            {say("condition")}
            <span className="hidden"> {say("inGroup", { group: name })}</span>
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => shape((now) => addedTo(now, path, { conjunction: join === "OR" ? "AND" : "OR", conditions: [begin()] }))} leftSection={<IconBraces size={14} aria-hidden="true" />} rightSection={<Keys of="condition.group" fallback="Shift+A" />}>
            {say("group")}
            <span className="hidden"> {say("inGroup", { group: name })}</span>
          </Button>
        </span>
      </div>
    </div>
  );
}

function PartOf({ part, path, number, isNegated = false, begin }: { part: Part; path: Path; number: string; isNegated?: boolean; begin: () => Part }): ReactNode {
  const { says, faultsAt, found } = useEditing();
  const say = useWords(words);
  if (isSet(part)) {
    const [only] = part.conditions;
    if (part.conjunction === "NOT" && only !== undefined && part.conditions.length === 1 && !isNegated && !(isSet(only) && only.conjunction === "NOT")) {
      return <PartOf part={only} path={[...path, 0]} number={number} isNegated begin={begin} />;
    }
    return <Group set={part} path={path} number={number} isNegated={isNegated} begin={begin} />;
  }
  return (
    <div className={classes.row} data-part={pointerOf(path)} data-faulty={faultsAt(path).length > 0 || undefined}>
      <div className={classes.line}>
        <Handle path={path} number={number} label={say("conditionOf", { n: number, says: says(part) })} isNegated={isNegated} />
        {isNegated ? <span className={classes.not}>{say("not")}</span> : null}
        <Line path={path} number={number} condition={part} isNegated={isNegated} />
        <Outcome node={found.get(pointerOf(path))} />
      </div>
      <Counted part={part} path={path} number={number} begin={begin} />
      <Faults path={path} of={[...aboutNot(faultsAt, path, isNegated), ...faultsAt(path, "", ["/signal/args/aggregationClause/conditionSet/conditions"])]} />
    </div>
  );
}

/** Faults of the NOT around a part. */
function aboutNot(faultsAt: Editing["faultsAt"], path: Path, isNegated: boolean): string[] {
  return isNegated ? faultsAt(path.slice(0, -1), "", ["/conditions/0"]) : [];
}

/** Which items a condition counts. */
function Counted({ part, path, number, begin }: { part: Part; path: Path; number: string; begin: () => Part }) {
  const inner = isSet(part) ? null : partAt({ conjunction: "AND", conditions: [part] }, [0, "counted"]);
  if (inner === null || !isSet(inner)) return null;
  return (
    <div className={classes.counted}>
      <Group set={inner} path={[...path, "counted"]} number={`${number}c`} begin={begin} />
    </div>
  );
}

interface HandleProps {
  readonly path: Path;
  readonly number: string;
  readonly label: string;
  readonly isGroup?: boolean;
  readonly isNegated: boolean;
}

/** The number of a part: it takes the keys of the part, and opens what can be done with it. */
function Handle({ path, number, label, isGroup = false, isNegated }: HandleProps) {
  const say = useWords(words);
  const { shape } = useEditing();
  const isCounting = path.at(-1) === "counted";
  if (isCounting) return <span className="hidden">{label}</span>;
  const item = (key: "negate" | "negateBack" | "wrap" | "unwrap" | "moveUp" | "moveDown" | "remove", command: string | null, keys: string, does: (set: ConditionSet) => Changed) => (
    <Menu.Item onClick={() => shape(does)} rightSection={command === null ? undefined : <Keys of={command} fallback={keys} />}>
      {say(key)}
    </Menu.Item>
  );
  return (
    <Menu position="bottom-start" width={220} returnFocus={false}>
      <Menu.Target>
        <button type="button" className={classes.handle} data-at={pointerOf(path)} aria-label={label}>
          {number}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {item("moveUp", "condition.up", "Alt+ArrowUp", (set) => moved(set, path, -1))}
        {item("moveDown", "condition.down", "Alt+ArrowDown", (set) => moved(set, path, 1))}
        {item(isNegated ? "negateBack" : "negate", "condition.negate", "N", (set) => negated(set, path))}
        {item("wrap", "condition.wrap", "Shift+G", (set) => wrapped(set, path))}
        {isGroup && !isNegated ? item("unwrap", null, "", (set) => unwrapped(set, path)) : null}
        {item("remove", "condition.remove", "Delete", (set) => removed(set, path))}
      </Menu.Dropdown>
    </Menu>
  );
}

const MARKS = { PASSED: "✓", FAILED: "✕", INAPPLICABLE: "∅", ERRORED: "!", SKIPPED: "–" } as const;

function Outcome({ node }: { node: Node | undefined }) {
  const say = useWords(words);
  if (!node) return <span className={classes.mark} />;
  return (
    <span className={classes.mark} data-outcome={node.outcome} role="img" aria-label={say(node.outcome)} title={say(node.outcome)}>
      {MARKS[node.outcome]}
    </span>
  );
}

function Faults({ of, path }: { of: readonly string[]; path: Path }) {
  return of.length === 0 ? null : (
    <ul className={classes.faults} data-fault={pointerOf(path)}>
      {[...new Set(of)].map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}
