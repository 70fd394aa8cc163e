/** What a job is about: why it is here, the item, its media, who reported it. */
import { memo, useEffect, useRef } from "react";

import { useWords } from "@/words/words";

import { isThread, typeOf, type Context } from "./context";
import { Around } from "./around";
import { arrive } from "./home";
import { ItemView } from "./item-view";
import classes from "./job.module.css";
import { MediaSection } from "./media-section";
import { Reports } from "./reports";
import { Why } from "./why";
import { words } from "./words";

/** Not again with each key that is pressed in the decision beside it. */
export const Evidence = memo(function Evidence({ context }: { context: Context }) {
  const say = useWords(words);
  const heading = useRef<HTMLElement>(null);
  const type = typeOf(context.types, context.item);
  // The next job: those who listen are told, and the keys of the page work at once.
  useEffect(() => arrive(heading.current), [context.job.id]);
  const severity = say((["sev0", "sev1", "sev2", "sev3", "sev4"] as const)[Math.min(4, context.job.severity)] ?? "sev0");
  return (
    <div className={classes.scroll}>
      <span className="hidden" role="status">
        {say("jobAnnounced", { type: type?.name ?? "", severity, left: say("left", { count: Math.max(0, context.remaining - 1) }) })}
      </span>
      <div className={classes.ev}>
        <section ref={heading} className={classes.sect} data-block tabIndex={-1} aria-label={say("why")}>
          <Why context={context} />
        </section>
        <section className={classes.sect} data-block tabIndex={-1} aria-label={type?.name}>
          <ItemView context={context} item={context.item} />
        </section>
        <MediaSection context={context} item={context.item} />
        {isThread(context) ? null : <Around context={context} />}
        <Reports context={context} />
      </div>
    </div>
  );
});
