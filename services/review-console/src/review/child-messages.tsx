/** What was said in conversations: which messages go into the report. */
import { Button, Checkbox } from "@mantine/core";
import { useRef } from "react";

import { IdChip } from "@/control/id-chip";
import { Empty } from "@/control/state";
import { absolute, Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import type { Thread } from "./child-threads";
import { words } from "./child-words";
import type { Context } from "./context";
import { messagesOf, sameRef, withMessages, type Ref } from "./report";
import { textOf } from "./thread-rows";
import type { Editing } from "./use-entered";

interface Props {
  readonly context: Context;
  readonly editing: Editing;
  readonly threads: readonly Thread[];
}

export function ChildMessages({ context, editing, threads }: Props) {
  const say = useWords(words);
  if (threads.length === 0) return <Empty title={say("noMessages")}>{say("noMessagesText")}</Empty>;
  return (
    <div className={classes.scroll}>
      <p className={`${classes.hint} dim t12`}>{say("rangeHint")}</p>
      {threads.map((one) => (
        <Conversation key={`${one.thread.typeId} ${one.thread.id}`} context={context} editing={editing} of={one} />
      ))}
    </div>
  );
}

function Conversation({ context, editing, of }: { context: Context; editing: Editing; of: Thread }) {
  const say = useWords(words);
  const { entered, change } = editing;
  const last = useRef<number | null>(null);
  const chosen = messagesOf(entered.report, of.thread);
  const isChosen = (one: Ref) => chosen.some((other) => sameRef(one, other));
  const put = (isTaken: (one: Ref, index: number) => boolean) => {
    const messages = of.messages.filter(isTaken).map(({ id, typeId }) => ({ id, typeId }));
    change({ ...entered, report: withMessages(entered.report, of.thread, messages) });
  };
  /** With Shift everything between the last one that was ticked and this one becomes as this one does. */
  const tick = (at: number, isRange: boolean) => {
    const [from, to] = isRange && last.current !== null ? [Math.min(last.current, at), Math.max(last.current, at)] : [at, at];
    const message = of.messages[at];
    const take = message !== undefined && !isChosen(message);
    last.current = at;
    put((one, index) => (index >= from && index <= to ? take : isChosen(one)));
  };
  return (
    <section className={classes.thread} aria-label={of.name ?? say("threadOf")}>
      <div className={classes.threadhead}>
        <h2 className="user-text">{of.name ?? say("threadOf")}</h2>
        <IdChip id={of.thread.id} />
        <span className="dim t13">{say("threadCount", { count: of.messages.length, chosen: chosen.length })}</span>
        <span className="row g4 end">
          <Button size="compact-sm" onClick={() => put(() => true)}>
            {say("takeAll")}
          </Button>
          <Button size="compact-sm" variant="subtle" onClick={() => put(() => false)}>
            {say("takeNone")}
          </Button>
        </span>
      </div>
      <ul>
        {of.messages.map((one, index) => {
          const at = one.saidAt ?? one.submittedAt;
          const name = one.creator?.displayName ?? one.creator?.id ?? one.id;
          return (
            <li key={`${one.typeId} ${one.id}`} className={classes.message} data-taken={isChosen(one) || undefined}>
              <Checkbox size="xs" aria-label={say("take", { name, time: at ? absolute(at, false) : "" })} checked={isChosen(one)} readOnly onClick={(event) => tick(index, event.shiftKey)} />
              <span className="dim t12 tnum">{at ? <Moment at={at} /> : null}</span>
              <span className="med ell user-text">{name}</span>
              <span className={`${classes.text} user-text`} dir="auto">
                <VeiledWords>{textOf(one, context.types)}</VeiledWords>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
