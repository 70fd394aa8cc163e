/**
 * What a child-safety job shows of its user: one medium behind the veil, with its category and labels;
 * below it all media as neutral tiles; beside them messages, why the job is here, and the account.
 *
 * Guarantees: nothing of a medium is asked for before it is the one that is inspected, and nothing clear
 * before a deliberate act; a tile shows no picture; definitions are shown when asked for.
 */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import type { Schema } from "@/api/client";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { useWords } from "@/words/words";

import { AccountPane } from "./account-pane";
import classes from "./child.module.css";
import { ChildGallery } from "./child-gallery";
import { ChildInspector } from "./child-inspector";
import { ChildMessages } from "./child-messages";
import { userMediaQuery } from "./child-media";
import { threadsOf } from "./child-threads";
import { words } from "./child-words";
import type { Context } from "./context";
import job from "./job.module.css";
import { Reports } from "./reports";
import type { Editing } from "./use-entered";
import { Why } from "./why";

type Tab = "media" | "messages" | "why" | "history";

interface Props {
  readonly context: Context;
  readonly editing: Editing;
}

export function ChildEvidence({ context, editing }: Props) {
  const say = useWords(words);
  const [tab, setTab] = useState<Tab>("media");
  const media = useUserMedia(context.job.id);
  const threads = threadsOf(context);
  const count = threads.reduce((sum, one) => sum + one.messages.length, 0);
  const chosen = editing.entered.report.threads.reduce((sum, one) => sum + one.messages.length, 0);
  const tabs: readonly [Tab, string, string | null][] = [
    ["media", say("media"), media.isWhole ? String(media.items.length) : null],
    ["messages", say("messages"), count > 0 ? say("messagesChosen", { all: String(count), chosen }) : null],
    ["why", say("whyHere"), context.job.reportCount > 0 ? String(context.job.reportCount) : null],
    ["history", say("history"), null],
  ];
  return (
    <>
      <div className={classes.tabs} role="tablist">
        {tabs.map(([one, name, aside]) => (
          <button key={one} id={`child-tab-${one}`} type="button" role="tab" aria-selected={tab === one} aria-controls="child-panel" className={classes.tab} onClick={() => setTab(one)}>
            {name}
            {aside === null ? null : <span className="dim tnum">{aside}</span>}
          </button>
        ))}
      </div>
      <div id="child-panel" role="tabpanel" aria-labelledby={`child-tab-${tab}`} className={classes.panel}>
        <Pane key={tab}>
          {tab === "media" ? <Media context={context} editing={editing} media={media} /> : null}
          {tab === "messages" ? <ChildMessages context={context} editing={editing} threads={threads} /> : null}
          {tab === "why" ? <WhyHere context={context} /> : null}
          {tab === "history" ? <AccountPane context={context} threaded={false} /> : null}
        </Pane>
      </div>
    </>
  );
}

/** What was reported or found, by whom, and about which item: the job itself is about its author. */
function WhyHere({ context }: { context: Context }) {
  const say = useWords(words);
  return (
    <div className={classes.scroll}>
      <div className={job.ev}>
        <section className={job.sect} aria-label={say("whyHere")}>
          <Why context={context} />
        </section>
        <Reports context={context} />
      </div>
    </div>
  );
}

export interface KnownMedia {
  readonly items: readonly Schema["UserMediumView"][];
  readonly requirement: Schema["MediaRequirementView"] | null;
  /** All pages are there. */
  readonly isWhole: boolean;
  readonly error: unknown;
  readonly again: () => void;
}

/** All of them: one page after another, without being asked. */
export function useUserMedia(jobId: string): KnownMedia {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(userMediaQuery(jobId));
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && error === null) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, error, fetchNextPage]);
  const pages = data?.pages ?? [];
  return {
    items: pages.flatMap((page) => page.items),
    requirement: pages[0]?.requirement ?? null,
    isWhole: data !== undefined && !hasNextPage,
    error,
    again: () => void (data === undefined ? refetch() : fetchNextPage()),
  };
}

function Media({ context, editing, media }: Props & { media: KnownMedia }) {
  const say = useWords(words);
  const [at, setAt] = useState(0);
  const index = Math.min(at, media.items.length - 1);
  const medium = media.items[index];
  if (medium === undefined) {
    if (media.error !== null) return <Problem error={media.error} again={media.again} />;
    return media.isWhole ? <Empty title={say("noMedia")}>{say("noMediaText")}</Empty> : <Skeleton lines={10} />;
  }
  return (
    <div className={classes.scroll}>
      <ChildInspector key={medium.ref} context={context} editing={editing} medium={medium} index={index} count={media.items.length} step={(by) => setAt((index + by + media.items.length) % media.items.length)} />
      <ChildGallery media={media} index={index} open={setAt} report={editing.entered.report} />
      {media.error === null ? null : <Problem error={media.error} again={media.again} />}
    </div>
  );
}
