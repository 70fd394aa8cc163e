/** What an action is: for what, where it is sent, with which headers, how grave it is. */
import { Checkbox, MultiSelect, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useId } from "react";

import { useNames } from "@/configuration/names";
import { Writing } from "@/control/writing";
import { HeadersField } from "@/settings/headers-field";
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
      <MultiSelect {...input("appliesToAllItemsOfKind")} size="xs" label={say("kinds")} data={KINDS.map((value) => ({ value, label: say(value) }))} searchable />
      <MultiSelect {...input("itemTypeIds")} size="xs" label={say("types")} description={say("typesHint")} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} searchable />
      <div className={classes.line}>
        <span id={severity}>{say("penalty")}</span>
        <div>
          <SegmentedControl {...input("penalty")} size="xs" aria-labelledby={severity} className={own.severity} data={PENALTIES.map((value) => ({ value, label: say(value) }))} />
          <Checkbox {...form.form.getInputProps("applyUserStrikes", { type: "checkbox" })} size="xs" label={say("strikes")} />
        </div>
      </div>
      <Select {...input("reverseActionId")} size="xs" label={say("reverse")} placeholder={say("reverseNone")} data={reverses} searchable clearable />
      <TextInput {...input("callbackUrl")} size="xs" label={say("callbackUrl")} description={say("callbackHint")} type="url" inputMode="url" placeholder={say("urlStart")} />
      <HeadersField label={say("headers")} rows={form.form.values.callbackUrlHeaders} set={(rows) => form.form.setFieldValue("callbackUrlHeaders", rows)} faults={faultsUnder(form, "callbackUrlHeaders")} />
      <Writing {...input("callbackUrlBody")} size="xs" lines={[1, 10]} className={own.mono} label={say("body")} description={say("bodyHint")} spellCheck={false} />
    </div>
  );
}
