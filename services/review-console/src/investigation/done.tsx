/** Everything done: one timeline of the account or of the item, newest first, by kind. */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconBolt, IconCircleDashed, IconFlag3, IconGavel, IconNote, IconSend, IconUpload, type TablerIcon } from "@tabler/icons-react";
import { useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { actorOf, titleOf } from "@/decision-log/log";
import { words as logWords } from "@/decision-log/words";
import { Keys, useCommand } from "@/key/keys";
import { Glyph } from "@/look/severity";
import { usePermission } from "@/session/session";
import { Moment as At } from "@/time/moment";
import { useWords } from "@/words/words";

import { lineOf, type Kind, type Line, type Moment } from "./happened";
import classes from "./investigation.module.css";
import type { Ref } from "./query";
import { words } from "./words";

const CHIPS = {
  all: [],
  decisions: ["DECISION", "APPEAL", "STRIKE", "DELIVERY"],
  reportsChip: ["REPORT"],
  rules: ["RULE"],
  notesChip: ["NOTE", "COMMENT"],
} as const satisfies Record<string, readonly Kind[]>;
type Chip = keyof typeof CHIPS;

const ICONS: Readonly<Record<Kind, TablerIcon>> = { SUBMISSION: IconUpload, REPORT: IconFlag3, APPEAL: IconGavel, RULE: IconBolt, DECISION: IconCircleDashed, STRIKE: IconCircleDashed, NOTE: IconNote, COMMENT: IconNote, DELIVERY: IconSend };

function useTimeline(of: Ref, isUser: boolean, chip: Chip) {
  return useInfiniteQuery({
    queryKey: ["timeline", isUser, of.typeId, of.id, chip],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => {
      const query = { kind: [...CHIPS[chip]], limit: 30, cursor: pageParam };
      return isUser
        ? take(api.GET("/v1/users/{type_id}/{user_id}/timeline", { params: { path: { type_id: of.typeId, user_id: of.id }, query }, signal }))
        : take(api.GET("/v1/items/{type_id}/{item_id}/timeline", { params: { path: { type_id: of.typeId, item_id: of.id }, query }, signal }));
    },
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function Done({ of, isUser }: { of: Ref; isUser: boolean }) {
  const say = useWords(words);
  const [chip, setChip] = useState<Chip>("all");
  const heading = useRef<HTMLHeadingElement>(null);
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useTimeline(of, isUser, chip);
  useCommand({ id: "investigate.history", scope: "page", keys: "H", label: say("historyKey"), run: () => heading.current?.focus() });
  const lines = data?.pages.flatMap((page) => page.items) ?? [];
  const away = [...new Set(data?.pages.flatMap((page) => page.missing.map((one) => one.kind.toLowerCase())) ?? [])];
  return (
    <>
      <div className={classes.threadhead} style={{ paddingInline: 12 }}>
        <h2 ref={heading} tabIndex={-1}>
          {say("done")}
        </h2>
        <span className="dim t13">{say(isUser ? "ofUser" : "ofItem")}</span>
        <span className="end">
          <Keys of="investigate.history" fallback="H" />
        </span>
      </div>
      <div className={classes.chips} role="group" aria-label={say("done")}>
        {(Object.keys(CHIPS) as Chip[]).map((one) => (
          <button key={one} type="button" className={classes.chip} aria-pressed={chip === one} onClick={() => setChip(one)}>
            {say(one)}
          </button>
        ))}
      </div>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.done} tabIndex={0} role="region" aria-label={say("done")}>
        {error ? <Problem error={error} again={() => void refetch()} /> : null}
        {isPending ? <Skeleton lines={5} /> : null}
        {away.length > 0 ? <p className="dim t12">{say("partAway", { kinds: away.join(", ") })}</p> : null}
        {data && lines.length === 0 ? <p className="dim t13">{say("quiet")}</p> : null}
        <ol>
          {lines.map((one, index) => (
            // The same submission may be told more than once.
            <Happened key={`${one.kind} ${one.id} ${index}`} one={one} />
          ))}
        </ol>
        {hasNextPage ? (
          <Button size="xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {say("more")}
          </Button>
        ) : null}
      </div>
    </>
  );
}

function Happened({ one }: { one: Moment }) {
  const say = useWords(words);
  const sayLog = useWords(logWords);
  const names = useNames();
  const seesLog = usePermission("VIEW_MRT_DATA");
  const decided = (entry: Schema["DecisionLogEntry"]): Line => {
    const { text, level, isStruck } = titleOf(entry, names, sayLog);
    return { title: text, level, isStruck, quote: entry.reason, by: [actorOf(entry, names, sayLog).text, entry.queueId ? names.queue(entry.queueId) : ""].filter(Boolean).join(" · ") };
  };
  const line = lineOf(one, names, say, decided);
  const Icon = ICONS[one.kind];
  return (
    <li>
      <span>{line.level ? <Glyph level={line.level} /> : <Icon size={14} className="dim" aria-hidden="true" />}</span>
      <div>
        <b className={`user-text ${line.isStruck ? (classes.struck ?? "") : ""}`}>{line.title}</b>
        {line.quote ? <p className="user-text">{line.quote}</p> : null}
        <div className={classes.meta}>
          <span className="ell user-text" title={line.by}>
            {line.by}
          </span>
          <span className="row g4" style={{ flex: "none" }}>
            {one.kind === "DECISION" && seesLog && one.decision.itemId ? (
              <Link to="/decisions" search={{ itemType: one.decision.itemTypeId ?? undefined, item: one.decision.itemId, peek: one.decision.id }}>
                {say("openDecision")}
              </Link>
            ) : null}
            <At at={one.time} />
          </span>
        </div>
      </div>
    </li>
  );
}
