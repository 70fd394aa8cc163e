/**
 * The order in which routing rules are tried, changed by the pointer, by buttons, and by keys.
 *
 *     as saved ──▶ moved (only here) ──▶ saved
 *                                   └──▶ 412, 409: read anew, in the order made here ──▶ saved again
 *
 * Guarantees: nothing acts before it is saved; each move is said to whoever does not see it, and the
 * focus stays on what was moved; somebody else's change meanwhile is shown before it is saved over.
 */
import { ActionIcon, Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { IconArrowDown, IconArrowUp, IconGripVertical } from "@tabler/icons-react";
import { useRef, useState, type DragEvent } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { LeaveGuard } from "@/form/leave-guard";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { useWords } from "@/words/words";

import { useNamedAsks } from "./asks";
import { inOrder, movedTo, routingQuery, saveOrder, type RoutingRule } from "./routing";
import classes from "./routing.module.css";
import { words } from "./words";

interface Props {
  readonly rules: readonly RoutingRule[];
  readonly forAppeals: boolean;
  readonly mayChange: boolean;
}

export function Order({ rules, forAppeals, mayChange }: Props) {
  const say = useWords(words);
  const navigate = useNavigate();
  const [made, setMade] = useState<readonly string[] | null>(null);
  const [told, setTold] = useState("");
  const [cursor, setCursor] = useState<string | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const shown = made === null ? rules : inOrder(rules, made);
  const moved = shown.filter((rule, at) => rules[at]?.id !== rule.id).length;
  const at = Math.max(0, shown.findIndex((rule) => rule.id === cursor));
  const keep = useSaving(rules, shown, forAppeals, () => setMade(null));

  const move = (from: number, to: number) => {
    const rule = shown[from];
    if (!mayChange || keep.isPending || !rule || to === from || to < 0 || to >= shown.length) return;
    setMade(movedTo(shown, from, to).map((one) => one.id));
    setCursor(rule.id);
    setTold(say("movedTo", { name: rule.name, place: to + 1, count: shown.length }));
  };
  const walk = (to: number) => {
    const rule = shown[Math.max(0, Math.min(shown.length - 1, to))];
    if (!rule) return;
    setCursor(rule.id);
    list.current?.querySelector<HTMLElement>(`[data-rule="${CSS.escape(rule.id)}"] a`)?.focus();
  };
  const save = () => (moved > 0 && !keep.isPending ? keep.mutate() : undefined);
  useCommand({ id: "list.next", scope: "list", keys: ["J", "ArrowDown"], repeats: true, label: say("nextKey"), run: () => walk(at + 1) });
  useCommand({ id: "list.previous", scope: "list", keys: ["K", "ArrowUp"], repeats: true, label: say("previousKey"), run: () => walk(at - 1) });
  useCommand({ id: "routing.up", scope: "list", keys: "Alt+ArrowUp", label: say("upKey"), enabled: mayChange, run: () => move(at, at - 1) });
  useCommand({ id: "routing.down", scope: "list", keys: "Alt+ArrowDown", label: say("downKey"), enabled: mayChange, run: () => move(at, at + 1) });
  useCommand({ id: "routing.save", scope: "page", keys: "Mod+S", anywhere: true, label: say("saveKey"), enabled: mayChange, run: save });
  return (
    <section aria-label={say("order")}>
      <LeaveGuard dirty={moved > 0} />
      <span role="status" className="hidden">
        {told}
      </span>
      {moved > 0 ? (
        <div className={classes.unsaved}>
          <span>{say("unsaved", { count: moved })}</span>
          <span className="end row g8">
            <Button size="xs" variant="subtle" onClick={() => setMade(null)}>
              {say("discard")}
            </Button>
            <Button size="xs" variant="filled" loading={keep.isPending} onClick={save} rightSection={<Keys of="routing.save" fallback="Mod+S" />}>
              {say("saveOrder")}
            </Button>
          </span>
        </div>
      ) : null}
      {keep.error ? <NotSaved error={keep.error} /> : null}
      <ol className={classes.order} ref={list}>
        {shown.map((rule, place) => (
          <Line key={rule.id} rule={rule} place={place} count={shown.length} isCursor={rule.id === cursor} isMoved={rules[place]?.id !== rule.id} mayChange={mayChange} move={(to) => move(place, to)} taken={(id) => move(shown.findIndex((one) => one.id === id), place)} focus={() => setCursor(rule.id)} open={() => void navigate({ to: "/routing/$ruleId", params: { ruleId: rule.id } })} />
        ))}
      </ol>
      <Rest forAppeals={forAppeals} mayChange={mayChange} />
    </section>
  );
}

function useSaving(rules: readonly RoutingRule[], shown: readonly RoutingRule[], forAppeals: boolean, done: () => void) {
  const say = useWords(words);
  return useMutation({
    mutationFn: () => saveOrder(rules, shown, forAppeals),
    onSuccess: ({ items }) => {
      queries.setQueryData(routingQuery.queryKey, (all) => (all ?? []).map((one) => items.find(({ id }) => id === one.id) ?? one));
      done();
      toast(say("ordered"));
      void queries.invalidateQueries({ queryKey: ["configuration"] });
    },
    onError: (error) => {
      const status = asProblem(error)?.status;
      if (status === 412 || status === 409) void queries.invalidateQueries({ queryKey: routingQuery.queryKey });
    },
  });
}

function NotSaved({ error }: { error: unknown }) {
  const say = useWords(words);
  const status = asProblem(error)?.status;
  if (status !== 412 && status !== 409) return <Problem error={error} />;
  return (
    <p role="alert" className={classes.clash}>
      {say("clash")}
    </p>
  );
}

interface LineProps {
  readonly rule: RoutingRule;
  readonly place: number;
  readonly count: number;
  readonly isCursor: boolean;
  readonly isMoved: boolean;
  readonly mayChange: boolean;
  readonly move: (to: number) => void;
  /** A rule that was dragged is let go over this one. */
  readonly taken: (id: string) => void;
  readonly focus: () => void;
  readonly open: () => void;
}

/** Of this page only: what is dragged in from elsewhere is none of it. */
const KIND = "application/x-coop-routing-rule";

function Line({ rule, place, count, isCursor, isMoved, mayChange, move, taken, focus, open }: LineProps) {
  const say = useWords(words);
  const names = useNames();
  const asks = useNamedAsks();
  const line = useRef<HTMLLIElement>(null);
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    if (!mayChange || !event.dataTransfer.types.includes(KIND)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    setOver(false);
    const id = event.dataTransfer.getData(KIND);
    if (id === "") return;
    event.preventDefault();
    taken(id);
  };
  return (
    // What is pressed here are the link and the buttons in it; this is what is dragged over.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <li ref={line} data-rule={rule.id} data-cursor={isCursor || undefined} data-over={isOver || undefined} data-moved={isMoved || undefined} onDragOver={over} onDragLeave={() => setOver(false)} onDrop={drop} onFocus={focus} onDoubleClick={open}>
      {mayChange ? (
        <span
          className={classes.grip}
          draggable
          aria-hidden="true"
          title={say("drag")}
          onDragStart={(event) => {
            event.dataTransfer.setData(KIND, rule.id);
            event.dataTransfer.effectAllowed = "move";
            if (line.current) event.dataTransfer.setDragImage(line.current, 12, 12);
          }}
        >
          <IconGripVertical className="icon" />
        </span>
      ) : null}
      <span className={classes.place}>
        <span className="hidden">{say("place", { place: place + 1, count })}</span>
        <span aria-hidden="true">{place + 1}</span>
      </span>
      <span className={classes.says}>
        <Link to="/routing/$ruleId" params={{ ruleId: rule.id }} className="user-text med">
          {rule.name}
        </Link>
        <span className="dim t12 user-text">{asks(rule)}</span>
      </span>
      <span className={classes.facts}>
        <span className="user-text">
          <span className="dim">{say("toQueue")}</span> {names.queue(rule.destinationQueueId)}
        </span>
        <span className="t12 dim">
          {rule.status === "DRAFT" ? <Severity level="medium" quiet>{say("DRAFT")}</Severity> : <Severity level="done" quiet>{say("LIVE")}</Severity>}
        </span>
      </span>
      {mayChange ? (
        <span className={classes.arrows}>
          <ActionIcon variant="subtle" aria-label={say("up", { name: rule.name })} aria-disabled={place === 0} onClick={() => move(place - 1)}>
            <IconArrowUp className="icon" aria-hidden="true" />
          </ActionIcon>
          <ActionIcon variant="subtle" aria-label={say("down", { name: rule.name })} aria-disabled={place === count - 1} onClick={() => move(place + 1)}>
            <IconArrowDown className="icon" aria-hidden="true" />
          </ActionIcon>
        </span>
      ) : null}
    </li>
  );
}

/** Where everything goes that no rule passes. */
function Rest({ forAppeals, mayChange }: { forAppeals: boolean; mayChange: boolean }) {
  const say = useWords(words);
  const queue = useNames().queues.find((one) => one.isDefaultQueue && (one.isAppealsQueue ?? false) === forAppeals);
  return (
    <p className={classes.rest}>
      {mayChange ? <span className={classes.grip} /> : null}
      <span className={classes.place} />
      <span className={classes.says}>
        <span className="med">{say("rest")}</span>
        <span className="dim t12">{say("restOf")}</span>
      </span>
      <span className={classes.facts}>
        {queue ? (
          <span className="user-text">
            <span className="dim">{say("toQueue")}</span> {queue.name}
          </span>
        ) : (
          <span className="dim">{say("noDefault")}</span>
        )}
      </span>
      {mayChange ? <span className={classes.arrows} /> : null}
    </p>
  );
}
