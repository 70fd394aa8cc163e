/**
 * Overview: seven figures of a time, compared with the time before it, on one sheet.
 *
 * Guarantees: one request for all figures; time is that of the viewer's zone, which is named; every
 * number leads to the list behind it.
 */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect } from "react";

import { save, type Sheet } from "@/chart/sheet";
import { policiesQuery } from "@/configuration/query";
import { Pane, Problem, Skeleton } from "@/control/state";
import { usePreference } from "@/preference/preference";
import { usePermission, useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { languageTag, useWords } from "@/words/words";
import { now, timeZone, useNow } from "@/time/moment";

import { figuresQuery, policyTree, rowsOf, type Answer, type Figures } from "./figures";
import { AutomationMetric, TopMetric, TotalMetric, WaitingMetric } from "./metrics";
import classes from "./overview.module.css";
import { ModeratorFigure, PolicyFigure, RuleFigure } from "./row-figures";
import { TimeChoice } from "./time-choice";
import { TotalFigure } from "./total-figure";
import { windowOf, type TimeWindow } from "./window";
import { words } from "./words";

const route = getRouteApi("/_app/overview");
const MINUTE = 60;

export function OverviewPage() {
  const say = useWords(words);
  usePreference();
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
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
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        {figures ? <AsOf at={figures.asOf} window={window} zone={zone} /> : null}
        <span className={classes.tools}>
          <TimeChoice window={window} buckets={buckets} search={search} choose={(chosen) => void navigate({ to: "/overview", replace: true, search: chosen })} />
          <Button size="xs" leftSection={<IconDownload className="icon" aria-hidden="true" />} disabled={!figures} onClick={() => figures && save(`overview-${window.from}-${window.to}.csv`, wholeSheet(figures, say))}>
            {say("csv")}
          </Button>
        </span>
      </header>
      {figures ? <FigureSheet figures={figures} window={window} isLead={isLead} isOld={found.isPlaceholderData} /> : found.error ? <Problem error={found.error} again={() => void found.refetch()} /> : <Skeleton lines={14} />}
      {figures && found.error ? <Problem error={found.error} again={() => void found.refetch()} /> : null}
    </>
  );
}

function AsOf({ at, window, zone }: { at: string; window: TimeWindow; zone: string }) {
  const say = useWords(words);
  const time = new Intl.DateTimeFormat(languageTag(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone, timeZoneName: "short" }).format(Date.parse(at));
  return (
    <span className="dim t13 ell" title={say("zone", { zone })}>
      {say("asOf", { time })} · {zone}
      {window.isGoingOn ? ` · ${say("goingOn")}` : null}
    </span>
  );
}

function FigureSheet({ figures, window, isLead, isOld }: { figures: Figures; window: TimeWindow; isLead: boolean; isOld: boolean }) {
  const policies = policyTree(
    rowsOf(figures.of.byPolicy, figures.names).filter((row) => row.total > 0 || (row.before ?? 0) > 0),
    useQuery(policiesQuery).data ?? [],
  );
  return (
    <div className={classes.sheet} aria-busy={isOld}>
      <div className={classes.cards}>
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
      <div className={classes.grid}>
        <div className={classes.left}>
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

/** Every number of the page: a line for each figure, name and bucket. */
function wholeSheet({ of, names }: Figures, say: ReturnType<typeof useWords<keyof typeof words.messages & string>>): Sheet {
  const figures: [string, Answer][] = [
    [say("totalActions"), of.total],
    [say("automatedManual"), of.automation],
    [say("actions"), of.byAction],
    [say("perRule"), of.byRule],
    [say("byPolicy"), of.byPolicy],
    [say("perModerator"), of.decisions],
    [say("waiting"), of.open],
  ];
  return {
    columns: [{ name: say("figure") }, { name: say("name") }, { name: say("start") }, { name: say("count"), numeric: true }],
    rows: figures.flatMap(([figure, answer]) =>
      answer.series.flatMap((series) => {
        const name = series.keys.map((id, index) => (id === null ? "" : (names[answer.groupBy[index] ?? ""]?.[id] ?? id))).join(", ");
        return answer.starts.map((start, at) => [figure, name, start, series.counts[at] ?? null]);
      }),
    ),
  };
}
