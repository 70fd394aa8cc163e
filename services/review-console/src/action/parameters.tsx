/** What is asked of whoever decides for an action: a row each, of which one is open. */
import { ActionIcon, Button, Checkbox, NumberInput, Select, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";

import { Writing } from "@/control/writing";
import { Keys, useCommand } from "@/key/keys";
import { Faults, Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { clearUnder, faultsUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { NEW_PARAMETER, optionsOf, TYPES, type Action, type ParameterRow, type Values } from "./action";
import own from "./action.module.css";
import { ValueField } from "./value-field";
import { words } from "./words";

type Form = DocumentForm<Action, Values>;
/** Paths of a row that have a field; a fault elsewhere stands below the row. */
const SHOWN = ["name", "displayName", "description", "options", "maxLength", "min", "max", "defaultValue", "type"];

export function Parameters({ form }: { form: Form }) {
  const say = useWords(words);
  const rows = form.form.values.parameters;
  const [opened, setOpened] = useState<number | null>(null);
  const faulty = rows.findIndex((_, index) => faultsUnder(form, `parameters.${index}`).length > 0);
  const set = (next: ParameterRow[]) => form.form.setFieldValue("parameters", next);
  const add = () => {
    set([...rows, NEW_PARAMETER]);
    setOpened(rows.length);
  };
  useCommand({ id: "action.parameter", scope: "page", keys: "A", label: say("addParameter"), run: add });
  const shown = faulty >= 0 ? faulty : opened;
  return (
    <Part
      title={say("parameters")}
      facts={say("parametersHint")}
      tools={
        <Button size="compact-xs" leftSection={<IconPlus size={14} aria-hidden="true" />} rightSection={<Keys of="action.parameter" fallback="A" />} onClick={add}>
          {say("addParameter")}
        </Button>
      }
    >
      {rows.length === 0 ? (
        <p className="dim t13">{say("noParameters")}</p>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{say("key")}</th>
              <th scope="col">{say("label")}</th>
              <th scope="col">{say("kind")}</th>
              <th scope="col">{say("required")}</th>
              <th scope="col">
                <span className="hidden">{say("more")}</span>
              </th>
            </tr>
          </thead>
          {rows.map((row, index) => (
            <Row
              key={index}
              form={form}
              index={index}
              row={row}
              isOpen={shown === index}
              toggle={() => {
                clearUnder(form, `parameters.${faulty}`);
                setOpened(shown === index ? null : index);
              }}
              change={(more) => {
                clearUnder(form, `parameters.${index}`);
                setOpened(index);
                set(rows.map((one, other) => (other === index ? { ...one, ...more } : one)));
              }}
              remove={() => {
                clearUnder(form, "parameters");
                set(rows.filter((_, other) => other !== index));
                setOpened(null);
              }}
            />
          ))}
        </table>
      )}
      <Faults of={faultsUnder(form, "parameters", rows.map((_, index) => String(index)))} />
    </Part>
  );
}

interface RowProps {
  readonly form: Form;
  readonly index: number;
  readonly row: ParameterRow;
  readonly isOpen: boolean;
  readonly toggle: () => void;
  readonly change: (more: Partial<ParameterRow>) => void;
  readonly remove: () => void;
}

function Row({ form, index, row, isOpen, toggle, change, remove }: RowProps) {
  const say = useWords(words);
  const name = row.name || say("unnamed", { n: index + 1 });
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const choices = row.type === "SELECT" || row.type === "MULTISELECT" ? ` ${optionsOf(row.options).length}` : "";
  return (
    <tbody>
      <tr className={own.row} data-open={isOpen || undefined}>
        <td className="mono">{row.name || "–"}</td>
        <td className="user-text">{row.displayName || row.name || "–"}</td>
        <td className="dim">
          {say(row.type)}
          {choices}
        </td>
        <td>
          <Checkbox size="xs" aria-label={say("requiredOf", { name })} checked={row.required} onChange={(event) => change({ required: event.currentTarget.checked })} />
        </td>
        <td>
          <span className="row g4">
            <ActionIcon variant="subtle" color="gray" className="end" aria-expanded={isOpen} aria-label={say(isOpen ? "closeEdit" : "edit", { name })} onClick={toggle}>
              <Chevron className="icon" aria-hidden="true" />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label={say("removeParameter", { name })} onClick={remove}>
              <IconX className="icon" aria-hidden="true" />
            </ActionIcon>
          </span>
        </td>
      </tr>
      {isOpen ? (
        <tr className={own.editor}>
          <td colSpan={5}>
            <Editor form={form} index={index} row={row} change={change} />
          </td>
        </tr>
      ) : null}
    </tbody>
  );
}

function Editor({ form, index, row, change }: Pick<RowProps, "form" | "index" | "row" | "change">) {
  const say = useWords(words);
  const at = `parameters.${index}`;
  /** What is wrong with a field, or with anything within it. */
  const error = (field: string) => faultsUnder(form, `${at}.${field}`)[0];
  const bound = (field: "maxLength" | "min" | "max") => <NumberInput size="xs" label={say(field)} value={row[field]} onChange={(value) => change({ [field]: typeof value === "number" ? value : "" })} error={error(field)} />;
  return (
    <div className={own.fields}>
      <TextInput size="xs" className={own.mono} label={say("key")} value={row.name} onChange={(event) => change({ name: event.currentTarget.value })} error={error("name")} spellCheck={false} data-autofocus />
      <TextInput size="xs" label={say("label")} value={row.displayName} onChange={(event) => change({ displayName: event.currentTarget.value })} error={error("displayName")} />
      <Select size="xs" label={say("kind")} data={TYPES.map((value) => ({ value, label: say(value) }))} value={row.type} onChange={(type) => (type === null ? undefined : change({ type: type as ParameterRow["type"], defaultValue: null }))} error={error("type")} />
      <TextInput size="xs" label={say("hint")} value={row.description} onChange={(event) => change({ description: event.currentTarget.value })} error={error("description")} />
      {row.type === "SELECT" || row.type === "MULTISELECT" ? <Writing data-wide lines={[3, 10]} size="xs" label={say("options")} description={say("optionsHint")} value={row.options} onChange={(event) => change({ options: event.currentTarget.value })} error={error("options")} /> : null}
      {row.type === "STRING" ? bound("maxLength") : null}
      {row.type === "NUMBER" ? bound("min") : null}
      {row.type === "NUMBER" ? bound("max") : null}
      <ValueField row={row} label={say("defaultValue")} value={row.defaultValue} set={(defaultValue) => change({ defaultValue })} error={error("defaultValue")} />
      <div data-wide>
        <Faults of={faultsUnder(form, at, SHOWN)} />
      </div>
    </div>
  );
}
