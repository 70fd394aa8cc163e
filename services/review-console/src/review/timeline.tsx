/** One timeline of the item and its author: reports, rules, decisions, appeals; newest first. */
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconBolt, IconFlag3, IconGavel, type TablerIcon } from "@tabler/icons-react";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Problem, Skeleton } from "@/control/state";
import { Keys } from "@/key/keys";
import { Glyph, levelOf, type Level } from "@/look/severity";
import { Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Context } from "./context";
import classes from "./job.module.css";
import { componentText } from "./moment-text";
import { useNames, type Names } from "./names";
import { words } from "./words";

const KINDS = ["all", "decisions", "reportsChip", "rules"] as const;
type Kind = (typeof KINDS)[number];

interface Happened {
  readonly id: string;
  readonly kind: Exclude<Kind, "all">;
  readonly at: string;
  readonly title: string;
  readonly quote: string | null;
  readonly by: string;
  readonly level?: Level;
  readonly icon?: TablerIcon;
  readonly undone?: boolean;
}

export function Timeline({ context }: { context: Context }) {
  const say = useWords(words);
  const [kind, setKind] = useState<Kind>("all");
  const names = useNames(context);
  const jobId = context.job.id;
  const query = useInfiniteQuery({
    queryKey: ["job", jobId, "history"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/v1/jobs/{job_id}/history", { params: { path: { job_id: jobId }, query: { of: context.author ? "USER" : "ITEM", limit: 30, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const penalty = (ids: readonly string[]) => {
    const ranks = ["NONE", "LOW", "MEDIUM", "HIGH", "SEVERE"];
    const found = ids.map((id) => names.actions.find((one) => one.id === id)?.penalty ?? "NONE");
    return levelOf(found.toSorted((a, b) => ranks.indexOf(b) - ranks.indexOf(a))[0] ?? "NONE");
  };
  const decisions = (query.data?.pages ?? []).flatMap((page) => page.items).map((one): Happened => decided(one, names, say, penalty));
  const all = [...entriesOf(context, names, say), ...decisions].toSorted((a, b) => b.at.localeCompare(a.at));
  const shown = all.filter((one) => kind === "all" || one.kind === kind);
  return (
    <>
      <div className={classes.head}>
        <h2 id="job-history" tabIndex={-1}>
          {say("history")}
        </h2>
        <span className="dim t13" style={{ marginInlineStart: 0 }}>
          {all.length > 0 ? `${all.length}${query.hasNextPage ? "+" : ""}` : ""}
        </span>
        <Keys of="job.history" fallback="H" />
      </div>
      <div className={classes.filters} role="group" aria-label={say("history")}>
        {KINDS.map((one) => (
          <button key={one} type="button" className={classes.chip} aria-pressed={kind === one} onClick={() => setKind(one)}>
            {say(one)}
          </button>
        ))}
      </div>
      {query.error ? <Problem error={query.error} again={() => void query.refetch()} /> : null}
      {query.isPending ? <Skeleton lines={4} /> : null}
      {query.data && shown.length === 0 ? <p className={`${classes.tl} dim t13`}>{say(kind === "all" ? "noHistory" : "noHistoryOf")}</p> : null}
      <Days happened={shown} />
      {query.hasNextPage ? (
        <div className={classes.tl}>
          <Button size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {say("more")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

function entriesOf(context: Context, names: Names, say: ReturnType<typeof useWords<Extract<keyof typeof words.messages, string>>>): Happened[] {
  return context.job.entries.flatMap((one): Happened[] => {
    if (one.report) {
      const reporter = context.reporters.find((other) => other.id === one.report?.reporter?.id);
      const name = reporter?.displayName ?? one.report.reporter?.id ?? say("somebody");
      return [{ id: one.entryId, kind: "reportsChip", at: one.report.reportedAt, title: say("tReport", { name }), quote: one.report.reason ?? null, by: one.report.policyId ? names.policy(one.report.policyId) : "", icon: IconFlag3 }];
    }
    if (one.appeal) return [{ id: one.entryId, kind: "decisions", at: one.appeal.appealedAt, title: say("tAppeal"), quote: one.appeal.reason ?? null, by: "", icon: IconGavel }];
    return (one.rules ?? []).map((rule) => ({ id: `${one.entryId} ${rule.id}`, kind: "rules" as const, at: one.at, title: say("tRule", { name: rule.name }), quote: null, by: `v${rule.revision}`, icon: IconBolt }));
  });
}

type Say = ReturnType<typeof useWords<Extract<keyof typeof words.messages, string>>>;

function decided(one: Schema["DecisionLogEntry"], names: Names, say: Say, levelOfActions: (ids: readonly string[]) => Level): Happened {
  const parts = one.components.map((part) => componentText(part, names, say)).filter(Boolean);
  const actionIds = one.components.flatMap((part) => part.actionIds ?? []);
  const policies = one.components.flatMap((part) => ("policyIds" in part ? (part.policyIds ?? []) : [])).map(names.policy);
  const title = parts.join(", ") || (one.executions.map((execution) => names.action(execution.actionId)).join(", ") || say(one.kind === "SKIP" ? "tSkip" : one.kind === "RELEASE" ? "tRelease" : "tClosed"));
  const isRule = one.kind === "ACTION" && one.ruleIds.length > 0;
  return {
    id: one.id,
    kind: isRule ? "rules" : "decisions",
    at: one.time,
    title,
    quote: one.reason ?? null,
    by: [one.actor?.name ?? say("automatic"), ...policies.slice(0, 1)].join(" · "),
    level: levelOfActions(actionIds),
    undone: one.undoneAt !== null || one.takenBack.length > 0,
  };
}

function Days({ happened }: { happened: readonly Happened[] }) {
  const say = useWords(words);
  const today = new Date(useNow(60)).toDateString();
  const yesterday = new Date(useNow(60) - 86_400_000).toDateString();
  const dayOf = (at: string) => {
    const day = new Date(at).toDateString();
    return day === today ? "today" : day === yesterday ? "yesterday" : "before";
  };
  return (
    <ol className={classes.tl}>
      {happened.map((one, index) => {
        const day = dayOf(one.at);
        const begins = index === 0 || dayOf(happened[index - 1]?.at ?? "") !== day;
        const next = happened[index + 1];
        const isLast = next === undefined || dayOf(next.at) !== day;
        const Icon = one.icon;
        return (
          <li key={one.id}>
            {begins ? <div className={classes.day}>{say(day)}</div> : null}
            <div className={classes.moment} data-last={isLast || undefined} data-undone={one.undone || undefined}>
              <span className={classes.dot}>{Icon ? <Icon stroke={1.75} aria-hidden="true" /> : <Glyph level={one.level ?? "none"} />}</span>
              <b className="user-text">{one.title}</b>
              {one.quote ? <span className={`${classes.quote} user-text`}>{say("quoted", { text: one.quote })}</span> : null}
              <div className={classes.meta}>
                <span className="ell user-text">{one.by}</span>
                <Moment at={one.at} />
              </div>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
