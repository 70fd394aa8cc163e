/**
 * Acting from here: a bulk action of what is ticked or of the one item, ordered and confirmed at once,
 * one for each type of item.
 */
import { SegmentedControl, Select, Textarea } from "@mantine/core";
import { useState } from "react";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { useNames, type Names } from "@/configuration/names";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useKept } from "@/form/kept";
import { Keys, useCommand } from "@/key/keys";
import { usePermission } from "@/session/session";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import type { Ref } from "./query";
import { words } from "./words";

/** The actions that every one of these may have, and that need nothing more to be said. */
export function actionsFor(items: readonly Ref[], names: Pick<Names, "actions" | "itemTypes">): Names["actions"] {
  const types = [...new Set(items.map((one) => one.typeId))];
  const kindOf = (typeId: string) => names.itemTypes.find((one) => one.id === typeId)?.kind;
  return names.actions.filter((action) => {
    if ((action.parameters ?? []).some((one) => one.required)) return false;
    return types.every((typeId) => {
      const kind = kindOf(typeId);
      return (action.itemTypeIds ?? []).includes(typeId) || (kind !== undefined && (action.appliesToAllItemsOfKind ?? []).includes(kind));
    });
  });
}

type Target = "account" | "items";

export function Act({ account, items, done }: { account: Ref | null; items: readonly Ref[]; done: () => void }) {
  const say = useWords(words);
  const names = useNames();
  const may = usePermission("MANUALLY_ACTION_CONTENT");
  const [wanted, setTarget] = useState<Target>("items");
  const target: Target = account === null ? "items" : items.length === 0 ? "account" : wanted;
  const on = target === "account" && account ? [account] : items;
  const [picked, setAction] = useState<string | null>(null);
  const [policy, setPolicy] = useState<string | null>(null);
  const [note, setNote] = useKept("investigate.act");
  const offered = actionsFor(on, names);
  const action = offered.some((one) => one.id === picked) ? picked : null;
  const { send, sending, problem } = useSend(() => {
    setNote("");
    setAction(null);
    done();
  });
  const why = !may ? say("noPermission") : offered.length === 0 ? say("noAction") : action === null ? say("needAction") : null;
  const run = () => {
    if (action !== null) send({ on, action, policy, note });
  };
  useCommand({ id: "investigate.apply", scope: "page", keys: "Mod+Enter", anywhere: true, enabled: why === null && !sending, label: say("applyKey"), run });
  return (
    <section className={classes.form} aria-label={say("act")}>
      <div className="row g8">
        <h2>{say("act")}</h2>
        <span className="end dim t12">{say("outside")}</span>
      </div>
      {account && items.length > 0 ? (
        <SegmentedControl size="xs" fullWidth aria-label={say("target")} value={target} onChange={(value) => setTarget(value as Target)} data={[{ value: "account", label: say("account") }, { value: "items", label: say("onItems", { count: items.length }) }]} />
      ) : null}
      <div className={classes.line}>
        <label htmlFor="act-action">{say("action")}</label>
        <Select id="act-action" size="xs" searchable placeholder={say("chooseAction")} value={action} onChange={setAction} data={offered.map(({ id, name }) => ({ value: id, label: name }))} />
      </div>
      <div className={classes.line}>
        <label htmlFor="act-policy">{say("policy")}</label>
        <Select id="act-policy" size="xs" searchable clearable value={policy} onChange={setPolicy} data={names.policies.map(({ id }) => ({ value: id, label: names.policy(id) }))} />
      </div>
      <div className={classes.line} style={{ alignItems: "start" }}>
        <label htmlFor="act-note">{say("note")}</label>
        <Textarea id="act-note" rows={2} maxLength={5000} placeholder={say("noteHint")} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      </div>
      {problem ? (
        <>
          <p>{say("notApplied")}</p>
          <Problem error={problem} again={run} />
        </>
      ) : null}
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <InertButton why={why} loading={sending} onClick={run} rightSection={<Keys of="investigate.apply" fallback="Mod+Enter" />}>
          {say("apply", { count: on.length })}
        </InertButton>
      </div>
    </section>
  );
}

interface Order {
  readonly on: readonly Ref[];
  readonly action: string;
  readonly policy: string | null;
  readonly note: string;
}

async function apply({ on, action, policy, note }: Order): Promise<number> {
  let asked = 0;
  for (const itemTypeId of new Set(on.map((one) => one.typeId))) {
    const itemIds = on.filter((one) => one.typeId === itemTypeId).map((one) => one.id);
    const body = { itemTypeId, itemIds, actionIds: [action], policyIds: policy === null ? [] : [policy], note: note.trim() || null };
    const { id, total } = await take(api.POST("/v1/bulk-actions", { body }));
    await take(api.POST("/v1/bulk-actions/{bulk_id}/confirm", { params: { path: { bulk_id: id } }, body: { total } }));
    asked += total;
  }
  return asked;
}

const RENEWED_MS = 1500;

function useSend(sent: () => void) {
  const say = useWords(words);
  const [state, setState] = useState<{ sending: boolean; problem: unknown }>({ sending: false, problem: null });
  const renew = () => Promise.all(["timeline", "investigation"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  const send = (order: Order) => {
    if (state.sending) return;
    setState({ sending: true, problem: null });
    apply(order)
      .then((count) => {
        sent();
        toast(say("applied", { count }));
        setState({ sending: false, problem: null });
        // It is carried out a moment after it was asked for.
        setTimeout(() => void renew(), RENEWED_MS);
      })
      .catch((problem: unknown) => setState({ sending: false, problem }));
  };
  return { send, ...state };
}
