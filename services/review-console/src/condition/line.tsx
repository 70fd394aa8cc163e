/** One condition in a line: what it looks at, what is asked about that, how the answer is compared. */
import { ActionIcon, Button, MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { IconSelector, IconX } from "@tabler/icons-react";
import { useState } from "react";

import { useWords } from "@/words/words";

import { comparatorsFor, familyOf, inputKey, isPresence, signalName, withComparator, withInput, withSignal, type Comparator, type InputChoice } from "./choice";
import { countedBy, removed, withClause, type Path } from "./edit";
import { useEditing } from "./editing";
import classes from "./editor.module.css";
import { words } from "./editor-words";
import { Gallery } from "./gallery";
import type { Condition } from "./sentence";
import { ValueOf } from "./value";

interface Props {
  readonly path: Path;
  readonly number: string;
  readonly condition: Condition;
  readonly isNegated: boolean;
}
const MINUTE_MS = 60_000;
const UNITS = { seconds: 1000, minutes: MINUTE_MS, hours: 60 * MINUTE_MS, days: 24 * 60 * MINUTE_MS } as const;
type Unit = keyof typeof UNITS;

export function Line({ path, number, condition }: Props) {
  const say = useWords(words);
  const { choices, signals, signalNamed, replace, shape, faultsAt, says } = useEditing();
  const [isOpen, setOpen] = useState(false);
  const key = inputKey(condition.input);
  const known = choices.find((one) => one.key === key);
  const name = signalName(condition);
  const signal = signalNamed(name);
  const choice: InputChoice = known ?? { key, label: condition.input.name?.replaceAll("_", " ") ?? says(condition), group: say("otherInput"), input: condition.input, scalar: signal ? ((signal.inputs[0] as InputChoice["scalar"]) ?? null) : "STRING", isMany: false };
  const family = familyOf(choice.scalar, signal);
  const comparator = condition.comparator ?? "EQUALS";
  const offered = comparatorsFor(family, { isMany: choice.isMany, isRemote: signal !== null || choice.input.type === "CONTENT_DERIVED_FIELD", hasSignal: signal !== null });
  // Of a yes or no, what it is compared with is part of the comparison.
  const isYesNo = family === "BOOLEAN" && !isPresence(comparator);
  const isNo = condition.threshold === false || condition.threshold === "false";
  const compare = (next: string | null) => {
    if (next === null) return;
    if (next === "yes" || next === "no") replace(path, { ...condition, comparator: "EQUALS", threshold: next === "yes" });
    else replace(path, withComparator(condition, next as Comparator, family));
  };
  const other = offered.includes(comparator) ? [] : [comparator];
  const comparisons = [...offered, ...other].flatMap((one) => (family === "BOOLEAN" && one === "EQUALS" ? [{ value: "yes", label: say("yes") }, { value: "no", label: say("no") }] : [{ value: one as string, label: say(one) }]));
  const grouped = [...new Set([...choices, ...(known ? [] : [choice])].map((one) => one.group))].map((group) => ({ group, items: [...choices, ...(known ? [] : [choice])].filter((one) => one.group === group).map((one) => ({ value: one.key, label: one.label })) }));
  const signalLabel = name === null ? say("noSignal") : (signal?.displayName ?? name.replaceAll("_", " ").toLowerCase());
  return (
    <>
      <Select
        size="xs"
        className={classes.input}
        aria-label={say("inputOf", { n: number })}
        data={grouped}
        value={key}
        onChange={(next) => {
          const to = choices.find((one) => one.key === next);
          if (!to) return;
          const counting = to.scalar === null ? (signals.find((one) => one.fullItem) ?? null) : null;
          replace(path, counting ? withSignal({ ...condition, input: to.input }, to, counting) : withInput(condition, choice, to, signal));
        }}
        error={faultsAt(path, "/input").length > 0}
        searchable
        allowDeselect={false}
        comboboxProps={{ width: 240, position: "bottom-start" }}
      />
      <Button size="xs" className={classes.asks} aria-label={say("signalOf", { n: number, name: signalLabel })} aria-haspopup="dialog" data-wrong={faultsAt(path, "/signal").length > 0 || undefined} onClick={() => setOpen(true)} rightSection={<IconSelector size={14} aria-hidden="true" />} title={signalLabel}>
        {signalLabel}
      </Button>
      {isOpen ? (
        <Gallery
          choice={choice}
          current={name}
          close={() => setOpen(false)}
          choose={(next) => {
            setOpen(false);
            replace(path, withSignal(condition, choice, next));
          }}
        />
      ) : null}
      <Select size="xs" className={classes.compare} aria-label={say("comparatorOf", { n: number })} data={comparisons} value={isYesNo ? (isNo ? "no" : "yes") : comparator} onChange={compare} error={faultsAt(path, "/comparator").length > 0} allowDeselect={false} comboboxProps={{ width: 180, position: "bottom-start" }} />
      <div className={classes.value}>
        {signal?.subcategories ? <TextInput size="xs" aria-label={say("partOf", { n: number })} placeholder={say("part")} value={condition.signal?.subcategory ?? ""} onChange={(event) => replace(path, { ...condition, signal: { ...condition.signal, subcategory: event.currentTarget.value || null } })} error={faultsAt(path, "/signal/subcategory").length > 0} /> : null}
        <ValueOf path={path} number={number} condition={condition} choice={choice} signal={signal} />
        {condition.signal?.args?.aggregationClause ? <Window path={path} number={number} condition={condition} /> : null}
      </div>
      <ActionIcon variant="subtle" color="gray" className={classes.remove} aria-label={say("removeOf", { n: number })} onClick={() => shape((set) => removed(set, path))}>
        <IconX className="icon" aria-hidden="true" />
      </ActionIcon>
    </>
  );
}

function Window({ path, number, condition }: Omit<Props, "isNegated">) {
  const say = useWords(words);
  const { replace, choices, faultsAt } = useEditing();
  const clause = condition.signal?.args?.aggregationClause;
  const [unit, setUnit] = useState<Unit>(() => unitOf(clause?.window.sizeMs ?? 0));
  if (!clause) return null;
  const by = choices.filter(({ scalar, isMany }) => !isMany && (scalar === "USER_ID" || scalar === "ID" || scalar === "STRING"));
  const size = (count: number | string, one: Unit) => replace(path, withClause(condition, { window: { sizeMs: (typeof count === "number" ? count : 0) * UNITS[one] } }));
  const count = clause.window.sizeMs / UNITS[unit];
  const counted = countedBy(condition);
  const chosen = (clause.groupBy ?? []).map((one) => inputKey(one));
  return (
    <>
      <span className={classes.window}>
        <span className="dim t12">{say("within")}</span>
        <NumberInput size="xs" className={classes.number} aria-label={say("windowOf", { n: number })} value={count} onChange={(next) => size(next, unit)} error={faultsAt(path, "/signal/args/aggregationClause/window").length > 0} min={0} />
        <Select
          size="xs"
          aria-label={say("unitOf", { n: number })}
          data={(Object.keys(UNITS) as Unit[]).map((value) => ({ value: value as string, label: say(value) }))}
          value={unit}
          onChange={(next) => {
            if (next === null) return;
            setUnit(next as Unit);
            size(count, next as Unit);
          }}
          allowDeselect={false}
        />
      </span>
      <MultiSelect size="xs" aria-label={say("groupByOf", { n: number })} placeholder={chosen.length === 0 ? say("groupBy") : undefined} data={by.map((one) => ({ value: one.key, label: one.group === say("groupItem") ? one.label : `${one.label} (${one.group})` }))} value={chosen} onChange={(keys) => replace(path, withClause(condition, { groupBy: keys.flatMap((one) => by.filter(({ key }) => key === one).map(({ input }) => input)) }))} error={faultsAt(path, "/signal/args/aggregationClause/groupBy").length > 0} searchable />
      <Button size="compact-xs" variant="subtle" onClick={() => replace(path, withClause(condition, { conditionSet: counted ? null : { conjunction: "AND", conditions: [{ input: { type: "CONTENT_COOP_INPUT", name: "All text" }, comparator: "CONTAINS", threshold: null }] } }))}>
        {say(counted ? "countEvery" : "countOnly")}
      </Button>
    </>
  );
}

function unitOf(ms: number): Unit {
  return (["days", "hours", "minutes"] as const).find((one) => ms >= UNITS[one] && ms % UNITS[one] === 0) ?? "seconds";
}
