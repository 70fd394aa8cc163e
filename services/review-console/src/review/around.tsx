/** What came with the item: earlier versions of it, and others of its author; folded until wanted. */
import { Button } from "@mantine/core";
import { useState } from "react";

import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Context, Item } from "./context";
import { ItemView } from "./item-view";
import classes from "./job.module.css";
import { words } from "./words";

export function Around({ context }: { context: Context }) {
  const say = useWords(words);
  return (
    <>
      <Fold title={say("earlier")} items={context.earlierItems} context={context} />
      <Fold title={say("additional")} items={context.additionalItems} context={context} />
    </>
  );
}

function Fold({ title, items, context }: { title: string; items: readonly Item[]; context: Context }) {
  const say = useWords(words);
  const [open, setOpen] = useState(false);
  if (items.length === 0) return null;
  return (
    <section className={classes.sect} style={{ padding: 0 }} data-block tabIndex={-1} aria-label={title}>
      <div className={classes.fold}>
        <h3>{title}</h3>
        <span className="dim">{say("aroundCount", { count: items.length })}</span>
        <Button size="xs" className="end" aria-expanded={open} onClick={() => setOpen(!open)}>
          {say(open ? "hide" : "show")}
        </Button>
      </div>
      {open
        ? items.map((item) => (
            <div key={`${item.typeId} ${item.id} ${item.submittedAt ?? ""}`} style={{ paddingBottom: 16 }}>
              {item.submittedAt ? <p className="dim t12">{say("versionAt", { time: absolute(item.submittedAt, false) })}</p> : null}
              <ItemView context={context} item={item} quiet />
            </div>
          ))
        : null}
    </section>
  );
}
