/** Who: the account behind what is looked at, how it stands, what colleagues noted. */
import { Link } from "@tanstack/react-router";

import { useNames, type Names } from "@/configuration/names";
import { IdChip } from "@/control/id-chip";
import { nameOf } from "@/item/glance";
import { Face } from "@/review/face";
import { Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import { Notes } from "./notes";
import type { Investigation, Item } from "./query";
import { words } from "./words";

export function Who({ found }: { found: Investigation }) {
  const say = useWords(words);
  const names = useNames();
  const { author } = found;
  if (!author) return <p className={`${classes.part} dim`}>{say("noAuthor")}</p>;
  const { ref, profile } = author;
  const type = names.itemTypes.find((one) => one.id === ref.typeId);
  const avatar = profile?.media.find((one) => one.pointer.endsWith(`/${author.avatarField ?? ""}`));
  const name = author.displayName ?? (profile ? nameOf(profile.data, type) : null) ?? ref.id;
  return (
    <>
      <section className={classes.part}>
        <div className={classes.who}>
          <Face avatar={author.isGrave ? null : (avatar ?? null)} size={56} />
          <h2 className="user-text" style={{ minWidth: 0 }}>
            <Link to="/investigate" search={{ type: ref.typeId, id: ref.id }}>
              {name}
            </Link>
          </h2>
        </div>
        <dl className={classes.facts}>
          <dt>{say("type")}</dt>
          <dd>{names.itemType(ref.typeId)}</dd>
          <dt>{say("id")}</dt>
          <dd>
            <IdChip id={ref.id} />
          </dd>
          {profile ? <Fields item={profile} names={names} /> : <dd className="dim">{say("unknownAuthor")}</dd>}
        </dl>
      </section>
      <Standing found={found} />
      <Addresses found={found} names={names} />
      <Notes user={ref} />
    </>
  );
}

const SHOWN = ["STRING", "NUMBER", "BOOLEAN", "DATETIME", "URL"];

/** The fields that are a line each; its name is above, its address below. */
function Fields({ item, names }: { item: Item; names: Names }) {
  const type = names.itemTypes.find((one) => one.id === item.typeId);
  const roles = type?.fieldRoles;
  const fields = (type?.fields ?? []).filter((one) => SHOWN.includes(one.type) && one.name !== roles?.displayName && !(type?.hiddenFields ?? []).includes(one.name));
  return fields.map((one) => {
    const value = item.data[one.name];
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return null;
    return (
      <div key={one.name} style={{ display: "contents" }}>
        <dt title={one.name}>{one.name.replaceAll("_", " ")}</dt>
        <dd className="user-text">{one.type === "DATETIME" && typeof value === "string" ? <Moment at={value} /> : typeof value === "number" ? value.toLocaleString() : <VeiledWords>{String(value)}</VeiledWords>}</dd>
      </div>
    );
  });
}

function Standing({ found }: { found: Investigation }) {
  const say = useWords(words);
  const { author, counts } = found;
  const strikes = author?.strikes ?? null;
  return (
    <section className={classes.part}>
      <h3>{say("standing")}</h3>
      <dl className={classes.facts}>
        <dt>{say("strikes")}</dt>
        <dd>
          {strikes === null ? <span className="dim">{say("strikesAway")}</span> : say("strikesLeft", { count: strikes })}
          {author?.nextStrikeExpiryAt ? (
            <span className="dim">
              {" · "}
              <Moment at={author.nextStrikeExpiryAt} />
            </span>
          ) : null}
        </dd>
        <dt>{say("reports")}</dt>
        <dd>{counts.reports.toLocaleString()}</dd>
        <dt>{say("waiting")}</dt>
        <dd>{say("openJobs", { count: counts.openJobs })}</dd>
        <dt>{say("sentTimes")}</dt>
        <dd>{say("times", { count: counts.versions })}</dd>
      </dl>
    </section>
  );
}

function Addresses({ found, names }: { found: Investigation; names: Names }) {
  const say = useWords(words);
  const known = [found.item, found.author?.profile].flatMap((item) => {
    const field = item ? names.itemTypes.find((one) => one.id === item.typeId)?.fieldRoles?.ipAddress : null;
    const value = item && field ? item.data[field] : null;
    return typeof value === "string" && value !== "" ? [value] : [];
  });
  if (known.length === 0) return null;
  return (
    <section className={classes.part}>
      <h3>{say("addresses")}</h3>
      {[...new Set(known)].map((address) => (
        <p key={address}>
          <Link to="/investigate" search={{ q: address }} className="mono">
            {address}
          </Link>
        </p>
      ))}
    </section>
  );
}
