/** Everything done: the timeline of the account or of the item. */
import { api, take } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Timeline } from "@/timeline/timeline";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import type { Ref } from "./query";
import { words } from "./words";

export function Done({ of, isUser }: { of: Ref; isUser: boolean }) {
  const say = useWords(words);
  const names = useNames();
  return (
    // What scrolls has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.done} tabIndex={0} role="region" aria-label={say("done")}>
      <Timeline
        key={`${of.typeId} ${of.id}`}
        of={[isUser ? "user" : "item", of.typeId, of.id]}
        title={say("done")}
        note={say(isUser ? "ofUser" : "ofItem")}
        command={{ id: "investigate.history", scope: "page", label: say("historyKey") }}
        names={names}
        isFull
        load={(kinds, cursor, signal) => {
          const query = { kind: [...kinds], limit: 30, cursor };
          return isUser
            ? take(api.GET("/v1/users/{type_id}/{user_id}/timeline", { params: { path: { type_id: of.typeId, user_id: of.id }, query }, signal }))
            : take(api.GET("/v1/items/{type_id}/{item_id}/timeline", { params: { path: { type_id: of.typeId, item_id: of.id }, query }, signal }));
        }}
      />
    </div>
  );
}
