/**
 * Overview: seven figures of a time, compared with the time before it, on one sheet.
 *
 * Guarantees: one request for all figures; time is that of the viewer's zone, which is named; every
 * number leads to the list behind it.
 */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { policiesQuery } from "@/configuration/query";
import { Pane, Problem, Skeleton } from "@/control/state";
import { rowsOf, type Answer } from "@/measure/answer";
import shared from "@/measure/measure.module.css";
import { PageHead } from "@/measure/page-head";
import { TimeChoice } from "@/measure/time-choice";
import { windowOf, type TimeWindow } from "@/measure/window";
import { wholeSheet } from "@/measure/whole-sheet";
import { words as measureWords } from "@/measure/words";
import { usePreference } from "@/preference/preference";
import { usePermission, useSession } from "@/session/session";
import { now, timeZone, useNow } from "@/time/moment";
import { useWords, type Say } from "@/words/words";

import { figuresQuery, policyTree, type Figures } from "./figures";
import { AutomationMetric, TopMetric, TotalMetric, WaitingMetric } from "./metrics";
import classes from "./overview.module.css";
import { ModeratorFigure, PolicyFigure, RuleFigure } from "./row-figures";
import { TotalFigure } from "./total-figure";
import { words } from "./words";

const route = getRouteApi("/_app/overview");
const MINUTE = 60;

export function OverviewPage() {
  const say = useWords(words);
  const sayMeasure = useWords(measureWords);
  usePreference();
  const search = route.useSearch();
  const navigate = useNavigate();
  const zone = timeZone();
  const { user } = useSession();
  const isLead = usePermission("EDIT_MRT_QUEUES");
  const window = windowOf(search, useNow(MINUTE), zone);
  const key = [window.from, window.to, window.bucket, window.isCompared, isLead];
  const found = useQuery({ ...figuresQuery(key, () => windowOf(search, now(), zone), zone, { userId: user.id, isLead }), placeholderData: (earlier) => earlier });
  const figures = found.data;
  const buckets = figures && !found.isPlaceholderData ? figures.of.total.starts.length : window.days;
  return (
    <>
      <PageHead title={say("title")} window={window} zone={zone} asOf={figures?.asOf ?? null} file="overview" sheet={figures ? () => wholeSheet(figuresOf(figures, say), figures.names, sayMeasure) : null}>
        <TimeChoice window={window} buckets={buckets} search={search} choose={(chosen) => void navigate({ to: "/overview", replace: true, search: chosen })} />
      </PageHead>
      {figures ? <FigureSheet figures={figures} window={window} isLead={isLead} isOld={found.isPlaceholderData} /> : found.error ? <Problem error={found.error} again={() => void found.refetch()} /> : <Skeleton lines={14} />}
      {figures && found.error ? <Problem error={found.error} again={() => void found.refetch()} /> : null}
    </>
  );
}

function FigureSheet({ figures, window, isLead, isOld }: { figures: Figures; window: TimeWindow; isLead: boolean; isOld: boolean }) {
  const policies = policyTree(
    rowsOf(figures.of.byPolicy, figures.names).filter((row) => row.total > 0 || (row.before ?? 0) > 0),
    useQuery(policiesQuery).data ?? [],
  );
  return (
    <div className={shared.sheet} aria-busy={isOld}>
      <div className={shared.cards}>
        <Pane>
          <TotalMetric figures={figures} window={window} />
        </Pane>
        <Pane>
          <WaitingMetric figures={figures} />
        </Pane>
        <Pane>
          <AutomationMetric figures={figures} window={window} />
        </Pane>
        <Pane>
          <TopMetric policies={policies} window={window} />
        </Pane>
      </div>
      <div className={shared.grid}>
        <div className={shared.left}>
          <Pane>
            <TotalFigure figures={figures} window={window} />
          </Pane>
          <div className={classes.two}>
            <Pane>
              <ModeratorFigure figures={figures} window={window} isLead={isLead} />
            </Pane>
            <Pane>
              <RuleFigure figures={figures} window={window} />
            </Pane>
          </div>
        </div>
        <Pane>
          <PolicyFigure policies={policies} window={window} />
        </Pane>
      </div>
    </div>
  );
}

/** In the order of the page. */
function figuresOf({ of }: Figures, say: Say<Extract<keyof typeof words.messages, string>>): [string, Answer][] {
  return [
    [say("totalActions"), of.total],
    [say("automatedManual"), of.automation],
    [say("actions"), of.byAction],
    [say("perRule"), of.byRule],
    [say("byPolicy"), of.byPolicy],
    [say("perModerator"), of.decisions],
    [say("waiting"), of.open],
  ];
}
