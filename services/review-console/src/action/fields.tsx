/** What an action is: for what, where it is sent, with which headers, how grave it is. */
import { ActionIcon, Button, Checkbox, MultiSelect, SegmentedControl, Select, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useId } from "react";

import { useNames } from "@/configuration/names";
import { Writing } from "@/control/writing";
import { Faults } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { faultsUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { KINDS, PENALTIES, type Action, type Values } from "./action";
import own from "./action.module.css";
import { words } from "./words";

interface Props {
  readonly form: DocumentForm<Action, Values>;
  readonly id: string | null;
}

export function ActionFields({ form, id }: Props) {
  const say = useWords(words);
  const names = useNames();
  const { input } = form;
  const reverses = names.actions.filter((one) => one.id !== id && one.actionType === "CUSTOM_ACTION").map((one) => ({ value: one.id, label: one.name }));
  const severity = useId();
  return (
    <div className={classes.lines}>
      <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
      <TextInput {...input("description")} size="xs" label={say("description")} placeholder={say("descriptionHint")} />
      <MultiSelect {...input("appliesToAllItemsOfKind")} size="xs" label={say("kinds")} data={KINDS.map((value) => ({ value, label: say(value) }))} />
      <MultiSelect {...input("itemTypeIds")} size="xs" label={say("types")} description={say("typesHint")} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} searchable />
      <div className={classes.line}>
        <span id={severity}>{say("penalty")}</span>
        <div>
          <SegmentedControl {...input("penalty")} size="xs" aria-labelledby={severity} className={own.severity} data={PENALTIES.map((value) => ({ value, label: say(value) }))} />
          <Checkbox {...form.form.getInputProps("applyUserStrikes", { type: "checkbox" })} size="xs" label={say("strikes")} />
        </div>
      </div>
      <Select {...input("reverseActionId")} size="xs" className={own.reverse} label={say("reverse")} placeholder={say("reverseNone")} data={reverses} searchable clearable />
      <TextInput {...input("callbackUrl")} size="xs" label={say("callbackUrl")} description={say("callbackHint")} type="url" inputMode="url" placeholder={say("urlStart")} />
      <Headers form={form} />
      <Writing {...input("callbackUrlBody")} size="xs" lines={[1, 10]} className={own.mono} label={say("body")} description={say("bodyHint")} spellCheck={false} />
    </div>
  );
}

function Headers({ form }: Pick<Props, "form">) {
  const say = useWords(words);
  const rows = form.form.values.callbackUrlHeaders;
  const set = (next: Values["callbackUrlHeaders"]) => form.form.setFieldValue("callbackUrlHeaders", next);
  const change = (at: number, more: Partial<(typeof rows)[number]>) => set(rows.map((row, index) => (index === at ? { ...row, ...more } : row)));
  return (
    <div className={classes.line} role="group" aria-label={say("headers")}>
      <span>{say("headers")}</span>
      <div>
        {rows.map((row, index) => (
          <div key={index} className={own.header}>
            <TextInput size="xs" aria-label={say("header", { n: index + 1 })} value={row.name} readOnly={row.isKept} onChange={(event) => change(index, { name: event.currentTarget.value })} spellCheck={false} className={own.mono} />
            <TextInput size="xs" aria-label={say("value", { name: row.name || String(index + 1) })} value={row.value} placeholder={row.isKept ? say("kept") : undefined} autoComplete="off" onChange={(event) => change(index, { value: event.currentTarget.value })} />
            <ActionIcon variant="subtle" color="gray" aria-label={say("removeHeader", { name: row.name || String(index + 1) })} onClick={() => set(rows.filter((_, other) => other !== index))}>
              <IconX className="icon" aria-hidden="true" />
            </ActionIcon>
          </div>
        ))}
        <Faults of={faultsUnder(form, "callbackUrlHeaders")} />
        <div className="row g8">
          <Button size="compact-xs" leftSection={<IconPlus size={14} aria-hidden="true" />} onClick={() => set([...rows, { name: "", value: "", isKept: false }])}>
            {say("addHeader")}
          </Button>
          {rows.length > 0 ? <span className="dim t12">{say("headersHint")}</span> : null}
        </div>
      </div>
    </div>
  );
}
