/**
 * What a rule did, and what it would do to what is past: alarms, acting on past items, taking back.
 *
 * Guarantees: nothing is acted on or taken back before somebody saw how much and said so for that very
 * number.
 */
import { Button, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Part } from "@/settings/document-form";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import builder from "./builder.module.css";
import classes from "./past.module.css";
import { words } from "./past-words";
import type { Rule } from "./query";

type Retroaction = Schema["RetroactionView"];
const HOUR_MS = 3_600_000;
const OFTEN_MS = 1000;
const DAYS = ["1", "7", "30"] as const;
const HOURS = ["1", "24", "168"] as const;

export function Past({ rule }: { rule: Rule }) {
  return (
    <>
      <Alarms rule={rule} />
      <Retro rule={rule} />
      <Reversal rule={rule} />
    </>
  );
}

/** Those that the person who looks was told of. */
function Alarms({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const { data, error } = useQuery({ queryKey: ["notifications", "of-rule"], retry: false, queryFn: ({ signal }) => take(api.GET("/v1/notifications", { params: { query: { limit: 100 } }, signal })) });
  const told = (data?.items ?? []).flatMap(({ id, createdAt, data: of }) => ("ruleName" in of && of.ruleId === rule.id ? [{ id, at: createdAt, of }] : []));
  const minute = rule.maxActionsPerMinute ? say("perMinute", { count: rule.maxActionsPerMinute }) : say("orgMinute");
  const hour = rule.maxUsersPerHour ? say("perHour", { count: rule.maxUsersPerHour }) : say("orgHour");
  return (
    <Part title={say("alarms")}>
      <p className="dim t13">{say("radius", { minute, hour })}</p>
      {error ? <Problem error={error} /> : null}
      {data && told.length === 0 ? <p className="dim t13">{say("noAlarm")}</p> : null}
      <ul className={classes.alarms}>
        {told.map(({ id, at, of }) => (
          <li key={id}>
            <span className="dim">
              <Moment at={at} />
            </span>
            <span className="high">{say("tripped", { count: of.count, window: of.window, limit: of.limit, stopped: String(of.stopped) })}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

const OPEN: readonly Retroaction["state"][] = ["PREVIEWING", "ACTING", "CANCELLING"];

function Retro({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const may = usePermission("RUN_RETROACTION");
  const [days, setDays] = useState<string>("7");
  const [id, setId] = useState<string | null>(null);
  const keep = (now: Retroaction) => {
    queries.setQueryData(["retroaction", now.id], now);
    setId(now.id);
  };
  const { data, error } = useQuery({
    queryKey: ["retroaction", id],
    enabled: id !== null,
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/retroactions/{retroaction_id}", { params: { path: { retroaction_id: id ?? "" } }, signal })),
    refetchInterval: (query) => (query.state.data && !OPEN.includes(query.state.data.state) ? false : OFTEN_MS),
  });
  const path = { retroaction_id: id ?? "" };
  const preview = useMutation({
    mutationFn: () => {
      const end = Date.now();
      return take(api.POST("/v1/retroactions", { body: { ruleId: rule.id, start: new Date(end - Number(days) * 24 * HOUR_MS).toISOString(), end: new Date(end).toISOString() } }));
    },
    onSuccess: keep,
  });
  const confirm = useMutation({ mutationFn: (passed: number) => take(api.POST("/v1/retroactions/{retroaction_id}/confirm", { params: { path }, body: { passed } })), onSuccess: keep });
  const cancel = useMutation({ mutationFn: () => take(api.POST("/v1/retroactions/{retroaction_id}/cancel", { params: { path } })), onSuccess: keep });
  const refused = preview.error ?? confirm.error ?? cancel.error ?? error;
  if (!may) return <Part title={say("retroaction")}><p className="dim t13">{say("retroactionMayNot", { needs: calledBy("RUN_RETROACTION") })}</p></Part>;
  const count = data?.preview.counts.passed ?? 0;
  const isAsking = data?.state === "AWAITING_CONFIRMATION";
  const isOpen = data !== undefined && OPEN.includes(data.state);
  return (
    <Part
      title={say("retroaction")}
      tools={
        <>
          <Select size="xs" className={builder.days} aria-label={say("daysBack")} data={DAYS.map((value) => ({ value: value as string, label: say("lastDays", { count: Number(value) }) }))} value={days} onChange={(next) => setDays(next ?? "7")} allowDeselect={false} />
          <InertButton size="compact-xs" why={(rule.actionIds ?? []).length === 0 ? say("retroactionNone") : null} loading={preview.isPending} onClick={() => (isOpen ? undefined : preview.mutate())}>
            {say("preview")}
          </InertButton>
        </>
      }
    >
      <p className="dim t13">{say("retroactionText")}</p>
      {refused ? <Problem error={refused} /> : null}
      {data ? (
        <>
          <p role="status">{say(`state_${data.state}`, { percent: Math.floor(data.preview.progress * 100), count, acted: data.run?.counts.acted ?? 0 })}</p>
          {isOpen ? <progress className={builder.progress} max={1} value={(data.run ?? data.preview).progress} aria-label={say("progress")} /> : null}
          <span className="row g8">
            {isAsking && count > 0 ? (
              <Button size="xs" variant="filled" loading={confirm.isPending} onClick={() => confirm.mutate(count)}>
                {say("act", { count })}
              </Button>
            ) : null}
            {isAsking || isOpen ? (
              <Button size="xs" variant="subtle" loading={cancel.isPending} onClick={() => cancel.mutate()}>
                {say(data.state === "ACTING" ? "stop" : "giveUp")}
              </Button>
            ) : null}
          </span>
        </>
      ) : null}
    </Part>
  );
}

function Reversal({ rule }: { rule: Rule }) {
  const say = useWords(words);
  const may = usePermission("MANUALLY_ACTION_CONTENT");
  const [hours, setHours] = useState<string>("24");
  const [note, setNote] = useState("");
  const [id, setId] = useState<string | null>(null);
  const order = useMutation({ mutationFn: () => take(api.POST("/v1/reversals", { body: { ruleId: rule.id, since: new Date(Date.now() - Number(hours) * HOUR_MS).toISOString(), note: note.trim() } })) });
  const confirm = useMutation({
    mutationFn: ({ id: bulk_id, total }: Schema["PreviewView"]) => take(api.POST("/v1/bulk-actions/{bulk_id}/confirm", { params: { path: { bulk_id } }, body: { total } })),
    onSuccess: (started) => setId(started.id),
  });
  const { data: running, error } = useQuery({
    queryKey: ["bulk-action", id],
    enabled: id !== null,
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/bulk-actions/{bulk_id}", { params: { path: { bulk_id: id ?? "" } }, signal })),
    refetchInterval: (query) => (query.state.data && query.state.data.state !== "RUNNING" ? false : OFTEN_MS),
  });
  if (!may) return <Part title={say("reverse")}><p className="dim t13">{say("reverseMayNot", { needs: calledBy("MANUALLY_ACTION_CONTENT") })}</p></Part>;
  const found = order.data;
  const refused = order.error ?? confirm.error ?? error;
  return (
    <Part title={say("reverse")}>
      <p className="dim t13">{say("reverseText")}</p>
      <span className={classes.reverse}>
        <Select
          size="xs"
          label={say("since")}
          data={HOURS.map((value) => ({ value: value as string, label: say("lastHours", { count: Number(value) }) }))}
          value={hours}
          onChange={(next) => {
            // What was counted was of another time.
            order.reset();
            setHours(next ?? "24");
          }}
          allowDeselect={false}
        />
        <TextInput size="xs" label={say("note")} value={note} maxLength={5000} onChange={(event) => {
          order.reset();
          setNote(event.currentTarget.value);
        }} />
        <InertButton size="xs" why={note.trim() === "" ? say("noteNeeded") : null} loading={order.isPending} onClick={() => order.mutate()}>
          {say("count")}
        </InertButton>
      </span>
      {refused ? <Problem error={refused} /> : null}
      {found && id === null ? (
        found.total === 0 ? (
          <p role="status">{say("nothingDone")}</p>
        ) : (
          <>
            <p role="status">{say("wouldReverse", { count: found.total, sample: found.sample.slice(0, 3).map((one) => one.itemId).join(", ") })}</p>
            <span>
              <Button size="xs" variant="filled" loading={confirm.isPending} onClick={() => confirm.mutate(found)}>
                {say("takeBack", { count: found.total })}
              </Button>
            </span>
          </>
        )
      ) : null}
      {running ? <p role="status">{say(`reversal_${running.state}`, { done: running.requested, count: running.total, refused: running.refused })}</p> : null}
    </Part>
  );
}
