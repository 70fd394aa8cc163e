/**
 * The fields of an item type: a row each, in the order in which reviewers see them. A fault stands below
 * the row that it is of.
 */
import { ActionIcon, Button, Checkbox, Select, TextInput } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPlus, IconX } from "@tabler/icons-react";
import { useRef } from "react";

import { Keys, useCommand } from "@/key/keys";
import { Faults, Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { clearUnder, faultsUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { isRoleOf, KEYS, NEW_FIELD, ROLES, rolesFor, SCALARS, type FieldRow, type ItemType, type Role, type Scalar, type Values } from "./item-type";
import own from "./item-type.module.css";
import { words } from "./words";

type Form = DocumentForm<ItemType, Values>;

export function Fields({ form }: { form: Form }) {
  const say = useWords(words);
  const body = useRef<HTMLTableSectionElement>(null);
  const rows = form.form.values.fields;
  const set = (next: FieldRow[]) => form.form.setFieldValue("fields", next);
  const change = (index: number, more: Partial<FieldRow>) => {
    for (const path of [`fields.${index}`, ...("role" in more ? ["fieldRoles"] : [])]) clearUnder(form, path);
    set(rows.map((row, other) => (other === index ? { ...row, ...more } : row)));
  };
  const add = () => {
    set([...rows, NEW_FIELD]);
    // The row is there after the next painting.
    requestAnimationFrame(() => body.current?.querySelector<HTMLInputElement>("tr[data-field]:last-of-type input")?.focus());
  };
  const move = (index: number, to: number) => {
    const next = [...rows];
    next.splice(to, 0, ...next.splice(index, 1));
    clearUnder(form, "fields");
    set(next);
  };
  useCommand({ id: "item-type.field", scope: "page", keys: "A", label: say("addFieldKey"), run: add });
  return (
    <Part
      title={say("fields")}
      tools={
        <Button size="compact-xs" leftSection={<IconPlus size={14} aria-hidden="true" />} rightSection={<Keys of="item-type.field" fallback="A" />} onClick={add}>
          {say("addField")}
        </Button>
      }
    >
      <div className={classes.scroll}>
        <table className={`${classes.table ?? ""} ${own.fields ?? ""}`}>
          <thead>
            <tr>
              <th scope="col">{say("field")}</th>
              <th scope="col">{say("type")}</th>
              <th scope="col">{say("role")}</th>
              <th scope="col">{say("required")}</th>
              <th scope="col">{say("hidden")}</th>
              <th />
            </tr>
          </thead>
          <tbody ref={body}>
            {rows.map((row, index) => (
              <Row key={index} form={form} index={index} row={row} change={(more) => change(index, more)} move={(by) => move(index, index + by)} remove={() => {
                clearUnder(form, "fields");
                set(rows.filter((_, other) => other !== index));
              }} />
            ))}
          </tbody>
        </table>
      </div>
      <Faults of={[...faultsUnder(form, "fields", rows.map((_, index) => String(index))), ...faultsUnder(form, "fieldRoles"), ...faultsUnder(form, "hiddenFields")]} />
      <p className="dim t12">{say("roleHint")}</p>
    </Part>
  );
}

interface RowProps {
  readonly form: Form;
  readonly index: number;
  readonly row: FieldRow;
  readonly change: (more: Partial<FieldRow>) => void;
  readonly move: (by: 1 | -1) => void;
  readonly remove: () => void;
}

function Row({ form, index, row, change, move, remove }: RowProps) {
  const say = useWords(words);
  const values = form.form.values;
  const name = row.name || say("unnamed", { n: index + 1 });
  const roles = rolesFor(values, index);
  const error = faultsUnder(form, `fields.${index}.name`)[0];
  const data = [
    { group: say("singles"), items: SCALARS.map((one) => ({ value: `SCALAR ${one}`, label: say(one) })) },
    { group: say("lists"), items: SCALARS.map((one) => ({ value: `ARRAY ${one}`, label: say("listOf", { type: say(one) }) })) },
    { group: say("maps"), items: SCALARS.map((one) => ({ value: `MAP ${one}`, label: say("mapTo", { type: say(one) }) })) },
  ];
  const choose = (chosen: string | null) => {
    const [shape, scalar] = (chosen ?? "").split(" ") as [FieldRow["shape"], Scalar];
    // A role is of one type: with another it is none.
    const keeps = row.role !== null && shape === "SCALAR" && ROLES[row.role].type === scalar;
    if (chosen !== null) change({ shape, scalar, ...(keeps ? {} : { role: null }) });
  };
  return (
    <>
      <tr data-field={index}>
        <td>
          <span className={own.namecell}>
            <TextInput size="xs" className={own.mono} aria-label={say("nameOf", { n: index + 1 })} value={row.name} onChange={(event) => change({ name: event.currentTarget.value })} error={error} spellCheck={false} autoComplete="off" />
            {row.was === null ? <span className="badge done">{say("isNew")}</span> : null}
          </span>
        </td>
        <td>
          <div className={own.type}>
            <Select size="xs" aria-label={say("typeOf", { name })} data={data} value={`${row.shape} ${row.scalar}`} onChange={choose} searchable />
            {row.shape === "MAP" ? <Select size="xs" aria-label={say("keysOf", { name })} data={KEYS.map((one) => ({ value: one as string, label: say(one) }))} value={row.key} onChange={(key) => (key === null ? undefined : change({ key: key as Scalar }))} /> : null}
          </div>
        </td>
        <td>
          <Select size="xs" aria-label={say("roleOf", { name })} placeholder={say("noRole")} clearable data={roles.map((one) => ({ value: one as string, label: say(one) }))} value={row.role !== null && isRoleOf(row.role, values.kind) ? row.role : null} onChange={(role) => change({ role: role as Role | null })} disabled={roles.length === 0} />
        </td>
        <td>
          <Checkbox size="xs" aria-label={say("requiredOf", { name })} checked={row.required} onChange={(event) => change({ required: event.currentTarget.checked })} />
        </td>
        <td>
          <Checkbox size="xs" aria-label={say("hiddenOf", { name })} checked={row.hidden} onChange={(event) => change({ hidden: event.currentTarget.checked })} />
        </td>
        <td>
          <span className={own.tools}>
            <ActionIcon variant="subtle" color="gray" aria-label={say("moveUp", { name })} disabled={index === 0} onClick={() => move(-1)}>
              <IconArrowUp className="icon" aria-hidden="true" />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label={say("moveDown", { name })} disabled={index === values.fields.length - 1} onClick={() => move(1)}>
              <IconArrowDown className="icon" aria-hidden="true" />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label={say("removeField", { name })} onClick={remove}>
              <IconX className="icon" aria-hidden="true" />
            </ActionIcon>
          </span>
        </td>
      </tr>
      {faultsUnder(form, `fields.${index}`, ["name"]).length > 0 ? (
        <tr>
          <td colSpan={6}>
            <Faults of={faultsUnder(form, `fields.${index}`, ["name"])} />
          </td>
        </tr>
      ) : null}
    </>
  );
}
