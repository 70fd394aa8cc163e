/** What can be done, from the mildest to the gravest, each with its digit; what an action needs, below it. */
import { Checkbox, MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { IconAlertCircle, IconCheck } from "@tabler/icons-react";

import type { Names } from "@/configuration/names";
import { Keys, useCommand } from "@/key/keys";
import { Glyph, levelOf, type Level } from "@/look/severity";
import { useWords } from "@/words/words";

import type { Action, Context } from "./context";
import { hasRelated, inOrder, judged, toggled, type Entered, type Offers, type Value } from "./entered";
import classes from "./job.module.css";
import { words } from "./words";

interface Props {
  readonly context: { readonly job: Pick<Context["job"], "kind">; readonly author: Context["author"] };
  readonly offers: Offers;
  readonly names: Names;
  readonly entered: Entered;
  readonly enter: (next: Entered) => void;
  readonly fault: string | null;
}

interface Row {
  readonly id: string;
  readonly text: string;
  readonly aside?: string;
  readonly level: Level;
  readonly isOn: boolean;
  readonly next: Entered;
  readonly action?: Action;
}

export function ActionList({ context, offers, names, entered, enter, fault }: Props) {
  const say = useWords(words);
  const rows = useRows({ context, offers, names, entered });
  return (
    <div className={classes.acts} role="group" aria-label={say("choose")}>
      {rows.map((row, index) => (
        <ActionRow key={row.id} row={row} digit={index} first={index === 0} enter={enter} entered={entered} />
      ))}
      {fault ? (
        <p className={`${classes.fault} ${classes.reasonless}`} role="alert">
          <IconAlertCircle size={14} aria-hidden="true" />
          {fault}
        </p>
      ) : null}
    </div>
  );
}

function useRows({ context, offers, names, entered }: Omit<Props, "enter" | "fault">): Row[] {
  const say = useWords(words);
  const verdict = (type: "IGNORE" | "ACCEPT_APPEAL" | "REJECT_APPEAL", text: string, level: Level): Row => ({ id: type, text, level, isOn: entered.verdict === type, next: judged(entered, type) });
  const isAppeal = context.job.kind === "APPEAL";
  const first = isAppeal ? [verdict("REJECT_APPEAL", say("rejectAppeal"), "none"), verdict("ACCEPT_APPEAL", say("acceptAppeal"), "done")] : [verdict("IGNORE", say("noViolation"), "none")];
  const actions = inOrder(offers.actions).map((one): Row => ({
    id: `${one.id} ${one.target}`,
    text: one.name,
    aside: one.target === "AUTHOR" ? say("onAuthor") : undefined,
    level: levelOf(one.penalty),
    isOn: one.target === "AUTHOR" ? context.author !== null && hasRelated(entered, one.id, context.author) : entered.actionIds.includes(one.id),
    next: toggled(entered, one, context.author),
    action: names.actions.find((action) => action.id === one.id),
  }));
  const chosen: Row[] = [];
  if (entered.verdict === "MOVE" && entered.moveTo) {
    chosen.push({ id: "MOVE", text: say("effectMove", { queue: names.queue(entered.moveTo) }), level: "none", isOn: true, next: judged(entered, "MOVE", entered.moveTo) });
  }
  if (entered.verdict === "ESCALATE_TO_NCMEC") chosen.push({ id: "ESCALATE", text: say("escalate"), level: "severe", isOn: true, next: judged(entered, "ESCALATE_TO_NCMEC") });
  return [...first, ...actions, ...chosen];
}

function ActionRow({ row, digit, first, entered, enter }: { row: Row; digit: number; first: boolean; entered: Entered; enter: Props["enter"] }) {
  const say = useWords(words);
  const id = `job.pick${digit}`;
  const isKeyed = digit < 10;
  useCommand({ id, scope: "job", keys: isKeyed ? String(digit) : "Alt+Shift+F12", label: say("pick", { n: digit }), enabled: isKeyed, run: () => enter(row.next) });
  return (
    <>
      <button type="button" role="checkbox" aria-checked={row.isOn} data-field={first ? "choice" : undefined} className={classes.act} onClick={() => enter(row.next)}>
        <span className={classes.box}>{row.isOn ? <IconCheck aria-hidden="true" /> : null}</span>
        <Glyph level={row.level} />
        <span className={`${classes.word} ${row.level} ell`}>{row.text}</span>
        {row.aside ? <span className="dim t12">{row.aside}</span> : null}
        {isKeyed ? <Keys of={id} fallback={String(digit)} /> : null}
      </button>
      {row.isOn && row.action && row.action.parameters && row.action.parameters.length > 0 ? <Parameters action={row.action} entered={entered} enter={enter} /> : null}
      {row.isOn && row.id === "ACCEPT_APPEAL" ? (
        <div className={classes.params}>
          <Checkbox size="xs" label={say("reverseActions")} checked={entered.reverseActions} onChange={(event) => enter({ ...entered, reverseActions: event.currentTarget.checked })} />
        </div>
      ) : null}
    </>
  );
}

function Parameters({ action, entered, enter }: { action: Action; entered: Entered; enter: Props["enter"] }) {
  const say = useWords(words);
  const given = entered.parameters[action.id] ?? {};
  const set = (name: string, value: Value | null) => {
    const others = Object.entries(given).filter(([key]) => key !== name);
    const values = Object.fromEntries(value === null || value === "" ? others : [...others, [name, value] as const]);
    enter({ ...entered, parameters: { ...entered.parameters, [action.id]: values } });
  };
  return (
    <div className={classes.params} data-field="parameter" tabIndex={-1}>
      {(action.parameters ?? []).map((one) => {
        const value = given[one.name] ?? (one.defaultValue as Value | null | undefined) ?? null;
        const label = one.displayName ?? one.name;
        const base = { size: "xs" as const, label: `${label}${one.required ? "" : ` (${say("optional")})`}`, description: one.description || undefined };
        const options = (one.options ?? []).map((option) => (typeof option === "string" ? option : String((option as { value: unknown }).value)));
        if (one.type === "NUMBER") {
          return <NumberInput key={one.name} {...base} min={one.min ?? undefined} max={one.max ?? undefined} value={typeof value === "number" ? value : ""} onChange={(next) => set(one.name, next === "" ? null : Number(next))} />;
        }
        if (one.type === "BOOLEAN") return <Checkbox key={one.name} {...base} checked={value === true} onChange={(event) => set(one.name, event.currentTarget.checked)} />;
        if (one.type === "SELECT") return <Select key={one.name} {...base} data={options} value={typeof value === "string" ? value : null} onChange={(next) => set(one.name, next)} />;
        if (one.type === "MULTISELECT") return <MultiSelect key={one.name} {...base} data={options} value={Array.isArray(value) ? [...(value as string[])] : []} onChange={(next) => set(one.name, next)} />;
        return <TextInput key={one.name} {...base} maxLength={one.maxLength ?? undefined} value={typeof value === "string" ? value : ""} onChange={(event) => set(one.name, event.currentTarget.value)} />;
      })}
    </div>
  );
}
