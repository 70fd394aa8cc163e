/** A new bulk action: what is done, to which items; then what that would be, and only then its start. */
import { FileButton, Button, MultiSelect, Select, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import type { Schema } from "@/api/client";
import { queries } from "@/api/query";
import { ParameterFields } from "@/action/parameter-fields";
import { useNames } from "@/configuration/names";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { LeaveGuard } from "@/form/leave-guard";
import { Part } from "@/settings/document-form";
import shared from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import classes from "./bulk-action.module.css";
import { ConfirmPart } from "./confirm-part";
import { bulkQuery, order, type Order } from "./query";
import { words } from "./words";

const NOTHING: Order = { itemTypeId: "", actionIds: [], policyIds: [], parameters: {}, ids: "", note: "" };

export function OrderForm({ made, close }: { made: (id: string) => void; close: () => void }) {
  const say = useWords(words);
  const names = useNames();
  const [entered, setEntered] = useState(NOTHING);
  const enter = (change: Partial<Order>) => setEntered({ ...entered, ...change });
  const look = useMutation({ mutationFn: () => order(entered), onSuccess: () => void queries.invalidateQueries({ queryKey: ["bulk-actions"], exact: true }) });
  const type = names.itemTypes.find((one) => one.id === entered.itemTypeId);
  const fits = (one: Schema["ActionView"]) => type !== undefined && ((one.itemTypeIds ?? []).includes(type.id) || (one.appliesToAllItemsOfKind ?? []).includes(type.kind));
  const actions = names.actions.filter(fits);
  const lines = entered.ids.split("\n").filter((line) => line.trim() !== "").length;
  const why = type === undefined ? say("missingType") : entered.actionIds.length === 0 ? say("missingAction") : lines === 0 ? say("missingIds") : null;
  if (look.data) {
    return (
      <>
        <Part title={say("newTitle")} tools={<Button size="compact-xs" onClick={() => look.reset()}>{say("change")}</Button>}>
          <p className="t13 user-text">{entered.actionIds.map(names.action).join(", ")}</p>
        </Part>
        <ConfirmPart
          bulk={look.data}
          told={(now) => {
            queries.setQueryData(bulkQuery(now.id).queryKey, now);
            void queries.invalidateQueries({ queryKey: ["bulk-actions"], exact: true });
            made(now.id);
          }}
        />
      </>
    );
  }
  return (
    <>
      <LeaveGuard dirty={entered !== NOTHING} />
      <Part title={say("newTitle")} tools={<Button size="compact-xs" variant="subtle" onClick={close}>{say("close")}</Button>}>
        <div className={shared.lines} data-bare>
          <Select size="xs" label={say("type")} data={names.itemTypes.map((one) => ({ value: one.id, label: one.name }))} value={entered.itemTypeId || null} onChange={(next) => enter({ itemTypeId: next ?? "", actionIds: [], parameters: {} })} searchable allowDeselect={false} />
          <MultiSelect size="xs" label={say("actions")} description={type === undefined ? say("actionsFirst") : undefined} data={actions.map((one) => ({ value: one.id, label: one.name }))} value={entered.actionIds} onChange={(actionIds) => enter({ actionIds, parameters: Object.fromEntries(Object.entries(entered.parameters).filter(([id]) => actionIds.includes(id))) })} searchable />
          <ParameterFields actions={actions} chosen={entered.actionIds} told={entered.parameters} set={(parameters) => enter({ parameters })} />
          <MultiSelect size="xs" label={say("policies")} data={names.policies.map((one) => ({ value: one.id, label: names.policy(one.id) }))} value={entered.policyIds} onChange={(policyIds) => enter({ policyIds })} searchable />
          <Textarea size="xs" label={say("ids")} description={say("idsHint")} autosize minRows={4} maxRows={14} spellCheck={false} value={entered.ids} onChange={(event) => enter({ ids: event.currentTarget.value })} />
          <div className={classes.fromFile}>
            <FileButton accept=".csv,.txt,text/csv,text/plain" onChange={(file) => void file?.text().then((ids) => enter({ ids }))}>
              {(props) => (
                <Button size="xs" {...props}>
                  {say("file")}
                </Button>
              )}
            </FileButton>
            <span className="dim t13 tnum">{say("counted", { count: lines })}</span>
          </div>
          <Textarea size="xs" label={say("why")} description={say("whyHint")} autosize minRows={1} value={entered.note} onChange={(event) => enter({ note: event.currentTarget.value })} />
        </div>
        {look.error ? <Problem error={look.error} /> : null}
        <div className={classes.foot}>
          <InertButton size="xs" variant="filled" loading={look.isPending} why={why} onClick={() => look.mutate()}>
            {say("preview")}
          </InertButton>
        </div>
      </Part>
    </>
  );
}
