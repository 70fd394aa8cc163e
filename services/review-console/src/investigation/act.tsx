/**
 * Acting from here: a bulk action of what is ticked or of the one item, one for each type of item.
 *
 *     apply ──ordered──▶ few items: confirmed at once
 *                   └──▶ more than the organisation's limit: the total is typed, then confirmed
 */
import { Button, SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

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
import { confirmAll, order, totalOf, type Preview } from "./order";
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
  const { send, confirm, back, sending, problem, asked, previews } = useSend(() => {
    setNote("");
    setAction(null);
    done();
  });
  const why = !may ? say("noPermission") : offered.length === 0 ? say("noAction") : action === null ? say("needAction") : null;
  const run = () => {
    if (action !== null) send({ on, action, policy, note });
  };
  useCommand({ id: "investigate.apply", scope: "page", keys: "Mod+Enter", anywhere: true, enabled: why === null && !sending && previews === null, label: say("applyKey"), run });
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
        <Select id="act-policy" size="xs" searchable clearable placeholder={say("noPolicy")} value={policy} onChange={setPolicy} data={names.policies.map(({ id }) => ({ value: id, label: names.policy(id) }))} />
      </div>
      <div className={classes.line} style={{ alignItems: "start" }}>
        <label htmlFor="act-note">{say("note")}</label>
        <Textarea id="act-note" rows={2} maxLength={5000} placeholder={say("noteHint")} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      </div>
      {problem ? (
        <>
          <p>{say("appliedTo", { done: asked })}</p>
          <Problem error={problem} again={run} />
        </>
      ) : null}
      {previews ? (
        <Confirm previews={previews} action={names.action(previews[0]?.actionIds[0] ?? "")} sending={sending} confirm={confirm} back={back} />
      ) : (
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <InertButton why={why} loading={sending} onClick={run} rightSection={<Keys of="investigate.apply" fallback="Mod+Enter" />}>
            {say("apply", { count: on.length })}
          </InertButton>
        </div>
      )}
    </section>
  );
}

/** Many items at once: what it touches, and the total typed by whoever means it. */
function Confirm({ previews, action, sending, confirm, back }: { previews: readonly Preview[]; action: string; sending: boolean; confirm: () => void; back: () => void }) {
  const say = useWords(words);
  const [typed, setTyped] = useState("");
  const total = totalOf(previews);
  const sumOf = (pick: (one: Preview) => number) => previews.reduce((sum, one) => sum + pick(one), 0);
  const why = typed.trim() === String(total) ? null : say("confirmWrong");
  return (
    <div className={classes.confirm} role="group" aria-label={say("confirmTitle", { total })}>
      <p className="med">{say("confirmTitle", { total })}</p>
      <p>{say("confirmText", { action, total, inReview: sumOf((one) => one.inReview), duplicates: sumOf((one) => one.duplicates) })}</p>
      <TextInput size="xs" label={say("confirmLabel", { total })} inputMode="numeric" autoFocus value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      <div className="row g8" style={{ alignItems: "flex-start" }}>
        <InertButton why={why} loading={sending} onClick={confirm}>
          {say("confirmNow", { total })}
        </InertButton>
        <Button variant="subtle" onClick={back}>
          {say("back")}
        </Button>
      </div>
    </div>
  );
}

const RENEWED_MS = 1500;

interface State {
  readonly sending: boolean;
  readonly problem: unknown;
  readonly asked: number;
  /** Ordered, and waiting for the total. */
  readonly previews: readonly Preview[] | null;
}
const IDLE: State = { sending: false, problem: null, asked: 0, previews: null };

function useSend(sent: () => void) {
  const say = useWords(words);
  const [state, setState] = useState<State>(IDLE);
  const renew = () => Promise.all(["timeline", "investigation", "decisions"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  const carryOut = async (previews: readonly Preview[]) => {
    let asked = 0;
    try {
      asked = await confirmAll(previews, (count) => (asked = count));
      sent();
      toast(say("applied", { count: asked }));
      setState(IDLE);
      // It is carried out a moment after it was asked for.
      setTimeout(() => void renew(), RENEWED_MS);
    } catch (problem) {
      setState({ ...IDLE, problem, asked });
    }
  };
  const send = (wanted: Parameters<typeof order>[0]) => {
    if (state.sending) return;
    setState({ ...IDLE, sending: true });
    order(wanted)
      .then((previews) => (previews.some((one) => one.needsTotal) ? setState({ ...IDLE, previews }) : carryOut(previews)))
      .catch((problem: unknown) => setState({ ...IDLE, problem }));
  };
  const confirm = () => {
    if (state.sending || state.previews === null) return;
    setState({ ...state, sending: true });
    void carryOut(state.previews);
  };
  return { ...state, send, confirm, back: () => setState(IDLE) };
}
