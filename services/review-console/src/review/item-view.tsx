/** An item as it was sent: who, when, its words, then its fields by type. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconLanguage } from "@tabler/icons-react";
import { useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { IdChip } from "@/control/id-chip";
import { Revealed } from "@/control/revealed";
import { sentenceOf } from "@/control/sentence";
import { Keys, useCommand } from "@/key/keys";
import { usePermission } from "@/session/session";
import { Moment } from "@/time/moment";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { roleOf, textRole, typeOf, type Context, type Field, type Item, type ItemType } from "./context";
import { Face } from "./face";
import { FieldValue } from "./field-value";
import classes from "./job.module.css";
import { words as keepingWords } from "./keeping-words";
import { words } from "./words";

const MEDIA = new Set(["IMAGE", "VIDEO", "AUDIO", "MEDIA"]);
const LONG = 40;

function isMedia(field: Field): boolean {
  return MEDIA.has(field.type) || (field.container ? MEDIA.has(field.container.valueScalarType) : false);
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

/** The field that is the item's own words: its longest text. */
export function textField(item: Item, type: ItemType | undefined): string | null {
  const title = type?.fieldRoles.displayName;
  const texts = (type?.fields ?? []).filter((one) => one.type === "STRING" && typeof item.data[one.name] === "string");
  const length = (one: Field) => String(item.data[one.name]).length;
  const [longest] = texts.filter((one) => one.name !== title || texts.length === 1).toSorted((a, b) => length(b) - length(a));
  if (!longest) return null;
  return type?.kind === "USER" && length(longest) < LONG ? null : longest.name;
}

/** Shown in their own places already. */
function isElsewhere(field: Field, type: ItemType, text: string | null): boolean {
  const { creatorId, createdAt, displayName, threadId, profileIcon, backgroundImage, parentId } = type.fieldRoles;
  return field.name === text || [creatorId, createdAt, displayName, threadId, profileIcon, backgroundImage, parentId].includes(field.name) || isMedia(field);
}

export function ItemView({ context, item, quiet = false }: { context: Context; item: Item; quiet?: boolean }) {
  const say = useWords(words);
  const isShown = useWordsShown();
  const type = typeOf(context.types, item);
  const author = item.id === context.author?.id ? null : context.author;
  const title = textRole(item, type, "displayName");
  const text = textField(item, type);
  const words_ = text === null ? null : String(item.data[text]);
  // An item without an author is called by its own name; another's title is not its author's.
  const name = (item.creator?.id === context.author?.id ? context.author?.displayName : null) ?? item.creator?.displayName ?? item.creator?.id ?? item.displayName ?? item.id;
  const language = typeof item.data.language === "string" ? item.data.language : undefined;
  const handle = author?.profile?.data.handle;
  return (
    <>
      <div className={classes.idline}>
        <Face avatar={item.creator && !context.job.csam ? (context.author?.avatar ?? null) : null} size={32} />
        <div style={{ minWidth: 0 }}>
          <div className={classes.l1}>
            <b className="ell user-text">{name}</b>
            {typeof handle === "string" ? <span className="dim ell user-text">{`@${handle}`}</span> : null}
          </div>
          <div className={classes.l2}>
            <span>{type?.name}</span>
            {item.saidAt ?? item.submittedAt ? (
              <>
                <span aria-hidden="true">·</span>
                <Moment at={item.saidAt ?? item.submittedAt ?? ""} />
                <span aria-hidden="true">·</span>
                <Moment at={item.saidAt ?? item.submittedAt ?? ""} relative />
              </>
            ) : null}
            <span aria-hidden="true">·</span>
            <IdChip id={item.id} />
            {roleOf(item, type, "isDeleted") === true ? <span className="badge">{say("gone")}</span> : null}
          </div>
        </div>
        {quiet || context.isBlind ? null : <Investigate item={item} />}
      </div>
      {title && title !== words_ ? <p className={`${classes.itemtitle} user-text`}><VeiledWords>{title}</VeiledWords></p> : null}
      {words_ === null ? null : isShown ? (
        <Revealed text={words_} className={`${classes.post} user-text`} lang={language} />
      ) : (
        <p className={`${classes.post} user-text`} lang={language} dir="auto">
          <VeiledWords>{words_}</VeiledWords>
        </p>
      )}
      {words_ !== null && !quiet && !context.job.csam && !context.isBlind ? <Translation jobId={context.job.id} item={item} field={text ?? ""} /> : null}
      {type ? <Fields item={item} type={type} text={text} /> : <p className="dim t13">{say("noItem")}</p>}
    </>
  );
}

/** Its key is a command of the job's menu. */
function Investigate({ item }: { item: Item }) {
  const say = useWords(keepingWords);
  const may = usePermission("VIEW_INVESTIGATION");
  const navigate = useNavigate();
  if (!may) return null;
  return (
    <Button size="xs" onClick={() => void navigate({ to: "/investigate", search: { type: item.typeId, id: item.id } })} rightSection={<Keys of="job.investigate" fallback="O" />}>
      {say("investigateShort")}
    </Button>
  );
}

function Fields({ item, type, text }: { item: Item; type: ItemType; text: string | null }) {
  const say = useWords(words);
  const [all, setAll] = useState(false);
  const fields = type.fields.filter((one) => isThere(item.data[one.name]) && !isElsewhere(one, type, text));
  const hidden = fields.filter((one) => type.hiddenFields.includes(one.name));
  const shown = fields.filter((one) => all || !hidden.includes(one));
  if (fields.length === 0) return null;
  return (
    <>
      {shown.length > 0 ? (
        <dl className={`${classes.kv} ${classes.fields}`}>
          {shown.map((field) => (
            <FieldRow key={field.name} field={field} value={item.data[field.name]} />
          ))}
        </dl>
      ) : null}
      {hidden.length > 0 ? (
        <button type="button" className={classes.plain} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? say("hideAgain") : say("hiddenFields", { count: hidden.length })}
        </button>
      ) : null}
    </>
  );
}

/** `created_at` as `Created at`. */
export function spoken(name: string): string {
  const text = name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").trim().toLocaleLowerCase();
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

function FieldRow({ field, value }: { field: Field; value: unknown }) {
  return (
    <>
      <dt className="user-text" title={field.name}>
        {spoken(field.name)}
      </dt>
      <dd>
        <FieldValue field={field} value={value} />
      </dd>
    </>
  );
}

/** The words in the reader's language, below the original; `T` shows and hides it. */
function Translation({ jobId, item, field }: { jobId: string; item: Item; field: string }) {
  const say = useWords(words);
  const [shown, setShown] = useState(false);
  const asked = useMutation({
    mutationFn: async () => {
      const body = { jobId, to: "en", passages: [{ pointer: `/data/${field.replace(/~/g, "~0").replace(/\//g, "~1")}`, item: { id: item.id, typeId: item.typeId } }] };
      return (await take(api.POST("/v1/translations", { body }))).items[0];
    },
  });
  const toggle = () => {
    setShown(!shown);
    if (!shown && !asked.data && !asked.isPending) asked.mutate();
  };
  useCommand({ id: "job.translate", scope: "job", keys: "T", label: say("translation"), run: toggle });
  const fault = asked.error ? asProblem(asked.error) : null;
  const done = asked.data;
  return (
    <>
      {shown && (done ?? asked.error) ? (
        <div className={classes.tr}>
          <div className={classes.cap}>
            <IconLanguage size={14} aria-hidden="true" />
            <span>{done?.language ? say("translated", { from: languageName(done.language) }) : say("translatedUnknown")}</span>
            <button type="button" className={classes.plain} onClick={toggle}>
              {say("original")} <Keys of="job.translate" fallback="T" />
            </button>
          </div>
          <div className="user-text" dir="auto">
            {done?.text ? <VeiledWords>{done.text}</VeiledWords> : <span className="dim">{say("translateFailed", { why: done?.problem ?? (fault ? sentenceOf(fault) : "") })}</span>}
          </div>
        </div>
      ) : (
        <Button size="compact-sm" variant="subtle" mt={4} ml={-8} loading={asked.isPending} leftSection={<IconLanguage size={14} aria-hidden="true" />} rightSection={<Keys of="job.translate" fallback="T" />} onClick={toggle}>
          {say("translate")}
        </Button>
      )}
    </>
  );
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
