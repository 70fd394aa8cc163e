/** Items as lines, each leading to itself. */
import { Link } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";

import classes from "./investigation.module.css";
import { keyOf, type Listed as Item } from "./query";

export function Listed({ items }: { items: readonly Item[] }) {
  const names = useNames();
  return items.map((item) => (
    <Link key={keyOf(item)} to="/investigate" search={{ type: item.typeId, id: item.id }} className={classes.hit}>
      <span className="dim">{names.itemType(item.typeId)}</span>
      <span className="ell user-text"><VeiledWords>{[item.displayName, item.preview].filter(Boolean).join(" · ") || item.id}</VeiledWords></span>
      <span className="dim">
        <Moment at={item.saidAt} dated />
      </span>
    </Link>
  ));
}
