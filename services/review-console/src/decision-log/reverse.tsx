/**
 * Taking back: what of it, and why. A reversal is ordered and confirmed in one go; nothing is asked in
 * a dialog, because it can be decided anew.
 */
import { Checkbox, Textarea } from "@mantine/core";
import { useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import type { Names } from "@/configuration/names";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useKept } from "@/form/kept";
import { Keys, useCommand } from "@/key/keys";
import { usePermission } from "@/session/session";
import { absolute, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { secondsLeft } from "./columns";
import classes from "./decision-log.module.css";
import type { Entry } from "./log";
import { words } from "./words";

type Execution = Entry["executions"][number];

const ENDED = ["COMPLETE", "CANCELLED", "PAUSED"];
const LOOKS = 12;
const LOOK_MS = 500;

/** Orders a reversal and starts it; how many effects it takes back. Waits a little for its end. */
export async function takeBack(body: Schema["ReversalBody"]): Promise<number> {
  const { id, total } = await take(api.POST("/v1/reversals", { body }));
  if (total === 0) return 0;
  await take(api.POST("/v1/bulk-actions/{bulk_id}/confirm", { params: { path: { bulk_id: id } }, body: { total } }));
  for (let look = 0; look < LOOKS; look += 1) {
    const { state } = await take(api.GET("/v1/bulk-actions/{bulk_id}", { params: { path: { bulk_id: id } } }));
    if (ENDED.includes(state)) break;
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
  return total;
}

/** The whole where all of it is meant, else one reversal for each execution. */
export function ordersOf(entry: Entry, picked: ReadonlySet<string>, note: string): Schema["ReversalBody"][] {
  const { reversible } = entry;
  if (!reversible) return [];
  const open = openOf(entry);
  if (open.length > 0 && !open.every((one) => picked.has(one.executionId))) {
    return open.filter((one) => picked.has(one.executionId)).map((one) => ({ executionId: one.executionId, note }));
  }
  if (reversible.kind === "DECISION") return [{ decisionId: reversible.id, note }];
  return reversible.kind === "BULK_ACTION" ? [{ bulkId: reversible.id, note }] : [{ executionId: reversible.id, note }];
}

/** What an entry did itself; of a reversal nothing. */
function openOf(entry: Entry): readonly Execution[] {
  return entry.kind === "BULK_ACTION" ? [] : entry.executions.filter((one) => !one.reverses);
}

export function Reverse({ entry, names }: { entry: Entry; names: Names }) {
  const say = useWords(words);
  const may = usePermission("MANUALLY_ACTION_CONTENT");
  const left = secondsLeft(entry, useNow(1));
  const back = entry.takenBack.map((one) => (
    <p key={one.id} className="dim">
      {say("reversedBy", { when: absolute(one.time, false), count: one.executions })}
    </p>
  ));
  const why = left > 0 ? say("stillHeld", { name: entry.actor?.name ?? "", seconds: left }) : !entry.reversible ? say("cannotReverse") : may ? null : say("mayNotReverse");
  return (
    <section className={classes.reverse} aria-label={say("reverseTitle")}>
      <h3>{say("reverseTitle")}</h3>
      {back}
      {why === null ? <ReverseForm entry={entry} names={names} /> : <p className="dim">{why}</p>}
    </section>
  );
}

function ReverseForm({ entry, names }: { entry: Entry; names: Names }) {
  const say = useWords(words);
  const open = openOf(entry);
  const [picked, setPicked] = useState<ReadonlySet<string>>(() => new Set(open.map((one) => one.executionId)));
  const [note, setNote] = useKept(`reverse.${entry.id}`);
  const { run, problem, done, sending } = useReverse(entry, picked, note, () => setNote(""));
  const field = useRef<HTMLTextAreaElement>(null);
  const count = open.length > 0 ? picked.size : (entry.total ?? 1);
  const why = count === 0 ? say("needPick") : note.trim() === "" ? say("needReason") : null;
  useCommand({ id: "decisions.reason", scope: "list", keys: "R", label: say("reasonKey"), run: () => field.current?.focus() });
  useCommand({ id: "decisions.reverse", scope: "list", keys: "Mod+Enter", anywhere: true, enabled: why === null, label: say("reverseKey"), run });
  return (
    <>
      <p className="dim">{say("reverseText")}</p>
      {open.map((one) => (
        <Checkbox
          key={one.executionId}
          size="xs"
          label={say("takeBackOf", { action: names.action(one.actionId) + (one.item ? ` · ${one.item.id}` : "") })}
          checked={picked.has(one.executionId)}
          onChange={(event) => {
            const next = new Set(picked);
            if (event.currentTarget.checked) next.add(one.executionId);
            else next.delete(one.executionId);
            setPicked(next);
          }}
        />
      ))}
      <div className={classes.label}>
        <label htmlFor="reverse-reason" className="med">
          {say("reason")}
        </label>
        <span className="dim t12">{say("reasonNeeded")}</span>
        <span className="end">
          <Keys of="decisions.reason" fallback="R" />
        </span>
      </div>
      <Textarea ref={field} id="reverse-reason" rows={2} maxLength={5000} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      {problem ? (
        <>
          <p>{say(done > 0 ? "someReversed" : "notReversed", { done, count })}</p>
          <Problem error={problem} again={run} />
        </>
      ) : null}
      <div className={classes.foot}>
        <InertButton why={why} loading={sending} onClick={run} rightSection={<Keys of="decisions.reverse" fallback="Mod+Enter" />}>
          {say("reverse", { count })}
        </InertButton>
      </div>
    </>
  );
}

function useReverse(entry: Entry, picked: ReadonlySet<string>, note: string, sent: () => void) {
  const say = useWords(words);
  const [state, setState] = useState<{ problem: unknown; done: number; sending: boolean }>({ problem: null, done: 0, sending: false });
  const send = async () => {
    let done = 0;
    try {
      for (const body of ordersOf(entry, picked, note.trim())) done += await takeBack(body);
      sent();
      toast(say("reverseDone", { count: done }));
      setState({ problem: null, done, sending: false });
    } catch (problem) {
      setState({ problem, done, sending: false });
    }
    await Promise.all(["decisions", "effects", "timeline"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  };
  const run = () => {
    if (state.sending) return;
    setState({ problem: null, done: 0, sending: true });
    void send();
  };
  return { run, ...state };
}
