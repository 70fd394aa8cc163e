/**
 * An item at a glance: its text, its media veiled; of child safety none, not even veiled: those are looked
 * at in their job. What people wrote is text and nothing else.
 */
import type { Schema } from "@/api/client";
import { Revealed } from "@/control/revealed";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./item.module.css";
import { words } from "./words";

type ItemType = Schema["ItemTypeView"];
export type Media = readonly Schema["MediaValueView"][];

const MOST = 4;

/** The fields of what a platform sent. */
export function fieldsOf(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}

/** What people call it, by its type's roles; null where it has no name. */
export function nameOf(data: Readonly<Record<string, unknown>>, type: ItemType | undefined): string | null {
  const field = type?.fieldRoles?.displayName;
  const value = field ? data[field] : null;
  return typeof value === "string" && value !== "" ? value : null;
}

/** Its own words: every text field that is neither its name nor hidden, in the type's order. */
export function textOf(data: Readonly<Record<string, unknown>>, type: ItemType | undefined): string {
  const fields = type ? type.fields.filter((one) => one.type === "STRING" && !(type.hiddenFields ?? []).includes(one.name)) : Object.keys(data).map((name) => ({ name }));
  const name = type?.fieldRoles?.displayName;
  return fields
    .filter((one) => one.name !== name && one.name !== "language")
    .map((one) => data[one.name])
    .filter((value): value is string => typeof value === "string" && value !== "")
    .join("\n");
}

export function Glance({ data, type, media, isGrave }: { data: Readonly<Record<string, unknown>>; type: ItemType | undefined; media: Media; isGrave: boolean }) {
  const say = useWords(words);
  const isShown = useWordsShown();
  const text = textOf(data, type);
  const name = nameOf(data, type);
  return (
    <div className={classes.glance}>
      {name && type?.kind !== "USER" ? (
        <p className="med user-text">
          <VeiledWords>{name}</VeiledWords>
        </p>
      ) : null}
      {text === "" ? <p className="dim t13">{say("noText")}</p> : isShown ? <Revealed text={text} className={`user-text ${classes.text ?? ""}`} /> : <p className={`user-text ${classes.text ?? ""}`}><VeiledWords>{text}</VeiledWords></p>}
      {media.length > 0 && isGrave ? <p className="dim t12">{say("graveMedia", { count: media.length })}</p> : null}
      {media.length > 0 && !isGrave ? (
        <div className={classes.media}>
          {media.slice(0, MOST).map((one) => (
            <img key={one.ref} src={`/v1/media/${encodeURIComponent(one.ref)}?stage=veiled&w=160`} alt={say("veiled", { kind: one.kind ?? "other" })} loading="lazy" width={72} height={48} />
          ))}
          <span className="dim t12">
            {say("media", { count: media.length })}
            {media.length > MOST ? `, ${say("more", { count: media.length - MOST })}` : null}
          </span>
        </div>
      ) : null}
    </div>
  );
}
