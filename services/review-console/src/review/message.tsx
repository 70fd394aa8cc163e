/** A row of a conversation. */
import { useImperativeHandle, useRef, type Ref } from "react";

import { Severity } from "@/look/severity";
import { absolute, momentFormat } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { roleOf, typeOf, type ItemType } from "./context";
import classes from "./job.module.css";
import { keyOf, textOf, type Row } from "./thread-rows";
import { words } from "./words";

interface Props {
  readonly ref: Ref<HTMLDivElement>;
  readonly index: number;
  readonly start: number;
  readonly row: Row;
  readonly types: readonly ItemType[];
  readonly query: string;
  readonly isReported: boolean;
  readonly isSelected: boolean;
  readonly isCursor: boolean;
  readonly tick: (key: string, range?: boolean) => void;
}

export function Message({ ref, index, start, row, types, query, isReported, isSelected, isCursor, tick }: Props) {
  const say = useWords(words);
  const place = { transform: `translateY(${start}px)` };
  const own = useRef<HTMLDivElement>(null);
  useImperativeHandle(ref, () => own.current as HTMLDivElement);
  const { message } = row;
  if (message === null) {
    const day = row.day ? momentFormat({ weekday: "short", day: "numeric", month: "short" }).format(new Date(row.day)) : "";
    return (
      <div ref={own} data-index={index} className={classes.daysep} style={place}>
        {day}
      </div>
    );
  }
  const at = message.saidAt ?? message.submittedAt;
  const time = at ? momentFormat({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at)) : "";
  const name = message.creator?.displayName ?? message.creator?.id ?? say("unknownName");
  const type = typeOf(types, message);
  const text = textOf(message, types);
  return (
    // The keys of the thread do the same for the row under the cursor.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
    <div
      ref={own}
      data-index={index}
      className={classes.msg}
      style={place}
      data-first={row.isFirst || undefined}
      data-reported={isReported || undefined}
      data-selected={isSelected || undefined}
      data-cursor={isCursor || undefined}
      onClick={(event) => {
        if (event.target instanceof HTMLInputElement || getSelection()?.isCollapsed === false) return;
        tick(keyOf(message), event.shiftKey);
      }}
    >
      <input type="checkbox" tabIndex={-1} className={classes.tick} checked={isSelected} aria-label={say("selectMessage", { name, time })} onChange={() => tick(keyOf(message))} />
      <time className={classes.time} dateTime={at ?? undefined} title={at ? absolute(at) : undefined}>
        {time}
      </time>
      <span className={`${classes.who} ell user-text`} title={name}>
        {row.isFirst ? name : <span className="hidden">{name}</span>}
      </span>
      <span className={`${classes.text} user-text`} dir="auto">
        {roleOf(message, type, "isDeleted") === true ? <i className="dim">{say("gone")} </i> : null}
        <VeiledWords>
          <Marked text={text} query={query} />
        </VeiledWords>
      </span>
      {isReported ? (
        <span className="badge severe">
          <Severity level="severe">{say("reported")}</Severity>
        </span>
      ) : null}
    </div>
  );
}

function Marked({ text, query }: { text: string; query: string }) {
  const at = query === "" ? -1 : text.toLocaleLowerCase().indexOf(query.toLocaleLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + query.length)}</mark>
      {text.slice(at + query.length)}
    </>
  );
}
