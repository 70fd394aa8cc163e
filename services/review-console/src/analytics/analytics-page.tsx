/**
 * Review analytics: what came, was decided and skipped, and how long it waited and took; over time, by
 * queue, and by person for whoever leads.
 *
 * Guarantees: each part fails alone; numbers of other people are shown to leads only; time is that of
 * the viewer's zone, which is named.
 */
import { MultiSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Pane, Problem, Skeleton } from "@/control/state";
import type { Answer } from "@/measure/answer";
import shared from "@/measure/measure.module.css";
import { PageHead } from "@/measure/page-head";
import { TimeChoice } from "@/measure/time-choice";
import { windowOf } from "@/measure/window";
import { wholeSheet } from "@/measure/whole-sheet";
import { words as measureWords } from "@/measure/words";
import { usePreference } from "@/preference/preference";
import { usePermission, useSession } from "@/session/session";
import { timeZone, useNow } from "@/time/moment";
import { useWords, type Say } from "@/words/words";

import classes from "./analytics.module.css";
import { KindFigure } from "./kind-figure";
import { OutcomeFigure } from "./outcome-figure";
import { PersonFigure } from "./person-figure";
import { countsQuery, type Asked, type Counts } from "./query";
import { QueueFigure } from "./queue-figure";
import { Summary } from "./summary";
import { TimesFigure } from "./times-figure";
import { words } from "./words";

const route = getRouteApi("/_app/analytics");
const MINUTE = 60;

export function AnalyticsPage() {
  const say = useWords(words);
  const sayMeasure = useWords(measureWords);
  usePreference();
  const { queue, ...search } = route.useSearch();
  const navigate = useNavigate();
  const zone = timeZone();
  const { user } = useSession();
  const isLead = usePermission("EDIT_MRT_QUEUES");
  const window = windowOf(search, useNow(MINUTE), zone);
  const asked: Asked = { window, zone, queues: queue ?? [], userId: user.id, isLead };
  const found = useQuery(countsQuery(asked));
  const counts = found.data;
  const buckets = counts && !found.isPlaceholderData ? counts.of.decided.starts.length : window.days;
  return (
    <>
      <PageHead title={say("title")} window={window} zone={zone} asOf={counts?.asOf ?? null} file="review" sheet={counts ? () => wholeSheet(figuresOf(counts, say), counts.names, sayMeasure) : null}>
        <QueueChoice chosen={queue ?? []} choose={(ids) => void navigate({ to: "/analytics", replace: true, search: { ...search, queue: ids.length > 0 ? ids : undefined } })} />
        <TimeChoice window={window} buckets={buckets} search={search} choose={(chosen) => void navigate({ to: "/analytics", replace: true, search: { ...chosen, queue } })} />
      </PageHead>
      {found.error ? <Problem error={found.error} again={() => void found.refetch()} /> : null}
      {!counts && !found.error ? <Skeleton lines={14} /> : null}
      {counts ? (
        <div className={shared.sheet} aria-busy={found.isPlaceholderData}>
          <Summary counts={counts} asked={asked} />
          <div className={classes.two}>
            <Pane>
              <OutcomeFigure counts={counts} window={window} />
            </Pane>
            <Pane>
              <TimesFigure asked={asked} />
            </Pane>
          </div>
          <Pane>
            <QueueFigure counts={counts} asked={asked} />
          </Pane>
          <div className={classes.two}>
            <Pane>
              <PersonFigure counts={counts} asked={asked} />
            </Pane>
            <Pane>
              <KindFigure asked={asked} />
            </Pane>
          </div>
        </div>
      ) : null}
    </>
  );
}

function QueueChoice({ chosen, choose }: { chosen: readonly string[]; choose: (ids: string[]) => void }) {
  const say = useWords(words);
  const { queues } = useNames();
  return (
    <MultiSelect
      size="xs"
      className={classes.queues}
      aria-label={say("queues")}
      placeholder={chosen.length === 0 ? say("allQueues") : undefined}
      data={queues.map(({ id, name }) => ({ value: id, label: name }))}
      value={[...chosen]}
      onChange={choose}
      searchable
      clearable
    />
  );
}

/** In the order of the page. */
function figuresOf({ of }: Counts, say: Say<Extract<keyof typeof words.messages, string>>): [string, Answer][] {
  return [
    [say("came"), of.came],
    [say("decided"), of.decided],
    [say("outcomes"), of.byType],
    [say("skipped"), of.skips],
    [say("perQueue"), of.byQueue],
    [say("perPerson"), of.byPerson],
  ];
}
