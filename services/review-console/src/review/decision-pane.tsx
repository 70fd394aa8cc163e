/**
 * The decision: what to do, under which policy, why; what it will do, in words; and the way on.
 *
 * Guarantees: nothing is sent but by the chord or its button; what is missing is said under its field;
 * a fault of the API lands on the field that its pointer names.
 */
import { Button, Menu } from "@mantine/core";
import { IconAlertCircle, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState, type ReactNode } from "react";

import type { ApiProblem } from "@/api/problem";
import type { Names } from "@/configuration/names";
import { Problem } from "@/control/state";
import { Writing } from "@/control/writing";
import { Keys, useCommand } from "@/key/keys";
import { Glyph, levelOf } from "@/look/severity";
import { useSession } from "@/session/session";
import { useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { ActionList } from "./action-list";
import { holderOf, type Lease } from "./claim";
import { ClosedDecision } from "./closed-decision";
import { useJobNames, type Context } from "./context";
import { acts, judged, missingIn, sameItem, withoutRelated, type Missing, type Offers } from "./entered";
import { effectOf, incompleteIn } from "./effect";
import classes from "./job.module.css";
import { Emptied } from "./emptied";
import { goHome } from "./home";
import { PolicyField } from "./policy-field";
import { setRefused, useRefused } from "./shift";
import { UndoNotice } from "./undo-notice";
import type { Decide } from "./use-decide";
import type { Editing } from "./use-entered";
import type { Hold } from "./use-hold";
import { words } from "./words";

interface Props {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly hold: Hold;
  readonly editing: Editing;
  readonly decide: Decide;
  readonly isOwnAppeal: boolean;
  /** On a narrow screen: show this pane. */
  readonly toDecision: () => void;
}

export function DecisionPane(props: Props) {
  const { context, decide, isOwnAppeal } = props;
  const say = useWords(words);
  const names = useJobNames(context);
  const { offers } = context;
  let content: ReactNode;
  if (decide.noNext) content = <Emptied queueId={context.job.queueId} name={names.queue(context.job.queueId)} why={decide.noNext} />;
  else if (context.job.state === "CLOSED") content = <ClosedDecision context={context} names={names} />;
  else if (isOwnAppeal) content = <p className={`${classes.reasonless} dim t13`}>{say("appealOwn")}</p>;
  else if (offers) return <Form {...props} offers={offers} names={names} />;
  return (
    <>
      <Head />
      <div className={`${classes.scroll} ${classes.decisionbody}`}>{content}</div>
      <UndoNotice jobId={context.job.id} />
      {decide.noNext ? null : <WayOn decide={decide} />}
    </>
  );
}

/** From a job that is closed, or not mine to decide. */
function WayOn({ decide }: { decide: Decide }) {
  const say = useWords(words);
  useCommand({ id: "job.startNext", scope: "job", keys: "Enter", label: say("nextJob"), run: decide.goOn });
  return (
    <div className={classes.foot}>
      <Button fullWidth h={36} loading={decide.sending} onClick={decide.goOn} rightSection={<Keys of="job.startNext" fallback="Enter" />}>
        {say("nextJob")}
      </Button>
    </div>
  );
}

export function Head({ hint }: { hint?: string }) {
  const say = useWords(words);
  return (
    <div className={`${classes.head} ${classes.decisionbody}`}>
      <h2>{say("decision")}</h2>
      {hint ? <span className="dim t12">{hint}</span> : null}
    </div>
  );
}

function Form({ context, hold, lease, editing, decide, offers, names, toDecision }: Props & { offers: Offers; names: Names }) {
  const say = useWords(words);
  const { entered, change } = editing;
  const refused = useRefused(context.job.id);
  const [tried, setTried] = useState(false);
  const isAppeal = context.job.kind === "APPEAL";
  const missing = missingIn(entered, offers.rules, isAppeal, incompleteIn(entered, names.actions));
  const body = useRef<HTMLDivElement>(null);
  const isHeld = holderOf(context.job, lease, useSession().user.id, useNow(30)) !== null;

  const enter = (next: typeof entered) => {
    if (decide.isDeaf()) return;
    change(next);
    if (refused && refused.kind !== "held") setRefused(context.job.id, null);
    // The first act claims a job that was only looked at, or of which it is not known yet: what is mine
    // already stays mine.
    if (!lease && !isHeld && !hold.claiming) hold.claim();
  };
  const submit = (stay: boolean) => {
    if (missing.length > 0) {
      setTried(true);
      toDecision();
      setTimeout(() => body.current?.querySelector<HTMLElement>(`[data-field="${missing[0] ?? ""}"]`)?.focus());
      return;
    }
    decide.submit(entered, { what: effectOf(entered, context, names, say, "short"), about: context.author?.displayName ?? context.item.displayName ?? context.item.id }, stay);
  };
  useCommand({ id: "job.submit", scope: "job", keys: "Mod+Enter", anywhere: true, label: say("submitNext"), run: () => submit(false) });
  useCommand({ id: "job.submitStay", scope: "job", keys: "Mod+Shift+Enter", anywhere: true, label: say("submitStay"), run: () => submit(true) });
  useEffect(() => {
    const field = refused ? fieldOf(refused) : null;
    if (field) body.current?.querySelector<HTMLElement>(`[data-field="${field}"]`)?.focus();
  }, [refused]);
  const faultOf = (field: Missing): string | null => (refused && fieldOf(refused) === field ? (refused.faults[0]?.reason ?? null) : null) ?? (tried && missing.includes(field) ? say(needs(field, isAppeal)) : null);
  const inert = missing.length > 0;
  return (
    <>
      <Head hint={say("decisionHint")} />
      <div ref={body} className={`${classes.scroll} ${classes.decisionbody}`}>
        <ActionList context={context} offers={offers} names={names} entered={entered} enter={enter} fault={faultOf("choice") ?? faultOf("parameter")} />
        <Also context={context} offers={offers} entered={entered} enter={enter} />
        {entered.verdict === "IGNORE" && !acts(entered) ? null : <PolicyField names={names} entered={entered} enter={enter} rules={offers.rules} fault={faultOf("policy")} suggested={context.job.policyIds} />}
        <Reason editing={editing} enter={enter} rules={offers.rules} fault={faultOf("reason")} />
        {refused && fieldOf(refused) === null ? (
          <div className={classes.refused}>
            {refused.kind === "revision-mismatch" ? <p className="t13" role="alert" style={{ padding: 8 }}>{say("changed")}</p> : <Problem error={refused} again={() => submit(false)} />}
          </div>
        ) : null}
      </div>
      <UndoNotice jobId={context.job.id} />
      <div className={classes.foot}>
        <p className={classes.effect} id="job-effect">
          {missing.includes("choice") ? say("nothingYet") : inert ? say(needs(missing[0] ?? "choice", isAppeal)) : effectOf(entered, context, names, say, "long")}
        </p>
        <Button variant={inert ? "default" : "filled"} fullWidth h={36} aria-disabled={inert || isHeld} aria-describedby="job-effect" loading={decide.sending} onClick={() => submit(false)} rightSection={<Keys of="job.submit" fallback="Mod+Enter" />}>
          {say("submitNext")}
        </Button>
        <Ways context={context} offers={offers} decide={decide} entered={entered} enter={enter} toDecision={toDecision} />
      </div>
    </>
  );
}

export function needs(field: Missing, isAppeal: boolean) {
  if (field === "choice") return isAppeal ? "needsAppeal" : "needsChoice";
  return ({ policy: "needsPolicy", reason: "needsReason", queue: "needsQueue", parameter: "needsParameter" } as const)[field];
}

/** The field that a refusal is about. */
export function fieldOf(problem: ApiProblem): Missing | null {
  const pointer = problem.faults[0]?.pointer;
  if (pointer === undefined) return null;
  if (pointer.startsWith("/reason")) return "reason";
  if (pointer.includes("/policyIds")) return "policy";
  if (pointer.includes("/parameters")) return "parameter";
  return pointer.startsWith("/components") ? "choice" : null;
}

type Enter = (next: Editing["entered"]) => void;

function Also({ context, offers, entered, enter }: { context: Context; offers: Offers; entered: Editing["entered"]; enter: Enter }) {
  const say = useWords(words);
  const author = context.author;
  const others = entered.related.flatMap((one) => {
    const items = one.items.filter((item) => !(author && sameItem(item, author)));
    return items.length > 0 ? [{ ...one, items }] : [];
  });
  if (others.length === 0) return null;
  return (
    <section className={classes.also}>
      <div className={classes.label}>
        {say("alsoHereTitle")}
        <span className="dim t12">{others.length}</span>
      </div>
      <ul>
        {others.map((one) => {
          const offered = offers.actions.find((action) => action.id === one.actionId);
          const text = say("relatedOn", { name: offered?.name ?? one.actionId, count: one.items.length });
          return (
            <li key={one.actionId}>
              <Glyph level={levelOf(offered?.penalty)} />
              <span className="ell">{text}</span>
              <button type="button" className={classes.icon} aria-label={say("dropRelated", { name: text })} onClick={() => enter(withoutRelated(entered, one.actionId))}>
                <IconX size={14} aria-hidden="true" />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function Reason({ editing, enter, rules, fault }: { editing: Pick<Editing, "entered" | "kept">; enter: Enter; rules: Offers["rules"]; fault: string | null }) {
  const say = useWords(words);
  const { entered, kept } = editing;
  const reason = useRef<HTMLTextAreaElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);
  const [noted, setNoted] = useState(entered.note !== "");
  useCommand({ id: "job.reason", scope: "job", keys: "R", label: say("reason"), run: () => reason.current?.focus() });
  const write = () => {
    setNoted(true);
    setTimeout(() => note.current?.focus());
  };
  useCommand({ id: "job.note", scope: "job", keys: "N", label: say("note"), run: write });
  const needed = entered.verdict === "IGNORE" ? rules.reasonRequiredOnIgnore : rules.reasonRequired;
  return (
    <>
      <div className={classes.fld}>
        <label className={classes.label} htmlFor="job-reason">
          {say("reason")} <span className={classes.opt}>{needed ? say("reasonNeeded") : say("optional")}</span>
          <span>
            <Keys of="job.reason" fallback="R" />
          </span>
        </label>
        <Writing
          ref={reason}
          id="job-reason"
          data-field="reason"
          lines={[3, 8]}
          maxLength={5000}
          placeholder={say("reasonHint")}
          value={entered.reason}
          error={fault}
          onChange={(event) => enter({ ...entered, reason: event.currentTarget.value })}
          onKeyDown={leave}
        />
      </div>
      <div className={classes.fld}>
        {noted || entered.note ? (
          <>
            <label className={classes.label} htmlFor="job-note">
              {say("note")} <span className={classes.opt}>{say("noteHint")}</span>
              <span>
                <Keys of="job.note" fallback="N" />
              </span>
            </label>
            <Writing ref={note} id="job-note" lines={[2, 6]} maxLength={5000} value={entered.note} onChange={(event) => enter({ ...entered, note: event.currentTarget.value })} onKeyDown={leave} />
          </>
        ) : (
          <button type="button" className={classes.plain} onClick={write}>
            {say("addNote")} <Keys of="job.note" fallback="N" />
          </button>
        )}
        <p className="dim t12" role="status" style={{ minHeight: 20, paddingBlock: 4 }}>
          {kept === "SAVED" ? say("kept") : kept === "LOCAL" ? say("keptHere") : ""}
        </p>
      </div>
    </>
  );
}

/** Escape leaves a field with all that is in it, so that the keys work again. */
function leave(event: React.KeyboardEvent<HTMLElement>) {
  if (event.key === "Escape") goHome();
}

function Ways({ context, offers, decide, entered, enter, toDecision }: { context: Context; offers: Offers; decide: Decide; entered: Editing["entered"]; enter: Enter; toDecision: () => void }) {
  const say = useWords(words);
  const [moving, setMoving] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const skip = () => (offers.skip.ok ? decide.skip() : setTold(say("cannotSkip", { reason: offers.skip.reason ?? "" })));
  const escalate = () => {
    if (!offers.escalate.ok) return setTold(say("cannotSkip", { reason: offers.escalate.reason ?? "" }));
    enter(judged(entered, "ESCALATE_TO_NCMEC"));
    return toDecision();
  };
  const move = () => (offers.moveTo.length === 0 ? setTold(say("noMove")) : setMoving(true));
  useCommand({ id: "job.skip", scope: "job", keys: "S", label: say("skip"), run: skip });
  useCommand({ id: "job.escalate", scope: "job", keys: "E", label: say("escalateShort"), run: escalate });
  useCommand({ id: "job.move", scope: "job", keys: "M", label: say("move"), run: move });
  return (
    <>
      <div className={classes.three}>
        <Button size="xs" aria-disabled={!offers.skip.ok} onClick={skip} rightSection={<Keys of="job.skip" fallback="S" />}>
          {say("skip")}
        </Button>
        <Button size="xs" aria-disabled={!offers.escalate.ok} onClick={escalate} rightSection={<Keys of="job.escalate" fallback="E" />}>
          {say("escalateShort")}
        </Button>
        <Menu opened={moving} onChange={setMoving} position="top-end" withinPortal>
          <Menu.Target>
            <Button size="xs" aria-disabled={offers.moveTo.length === 0} onClick={move} rightSection={<Keys of="job.move" fallback="M" />}>
              {say("move")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{say("moveTo")}</Menu.Label>
            {offers.moveTo.map((queue) => (
              <Menu.Item key={queue.id} className="user-text" onClick={() => enter(judged(entered, "MOVE", queue.id))}>
                {queue.name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
      {told ? (
        <p className={classes.fault} role="status">
          <IconAlertCircle size={14} aria-hidden="true" />
          {told}
        </p>
      ) : null}
      <span className="hidden">{context.remaining}</span>
    </>
  );
}
