/**
 * Quality: how far people agree, what became of decisions, and golden items.
 *
 * Guarantees: facts of a person to leads only; each part fails alone; what is compared, and by what, is
 * in the address.
 */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Pane } from "@/control/state";
import shared from "@/measure/measure.module.css";
import { PageHead } from "@/measure/page-head";
import { Days } from "@/measure/time-choice";
import { windowOf } from "@/measure/window";
import { usePreference } from "@/preference/preference";
import { usePermission } from "@/session/session";
import { timeZone, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { AgreementFigure, PairFigure } from "./agreement-figure";
import { GoldenFigure, ResultFigure } from "./golden-figure";
import { OverturnFigure } from "./overturn-figure";
import classes from "./quality.module.css";
import { overturnsQuery } from "./query";
import type { Search } from "./search";
import { Summary } from "./summary";
import { words } from "./words";

const route = getRouteApi("/_app/quality");
const MINUTE = 60;
const USUAL = "30d";

export function QualityPage() {
  const say = useWords(words);
  usePreference();
  const search = route.useSearch();
  const { as = "OUTCOME", group = "QUEUE", queue, ...time } = search;
  const navigate = useNavigate();
  const isLead = usePermission("EDIT_MRT_QUEUES");
  const zone = timeZone();
  const chosen = time.from || time.span ? time : { ...time, span: USUAL as typeof USUAL };
  const window = windowOf(chosen, useNow(MINUTE), zone);
  const asked = { window, queue };
  const at = useQuery(overturnsQuery(asked, "QUEUE")).dataUpdatedAt;
  const go = (change: Partial<Search>) => void navigate({ to: "/quality", replace: true, search: { ...search, ...change } });
  return (
    <>
      <PageHead title={say("title")} window={window} zone={zone} asOf={at > 0 ? new Date(at).toISOString() : null} file={null} sheet={null}>
        <QueueChoice chosen={queue ?? null} choose={(id) => go({ queue: id ?? undefined })} />
        <Days window={window} buckets={window.days} search={chosen} choose={({ span, from, to }) => go({ span, from, to })} />
      </PageHead>
      <div className={shared.sheet}>
        <Summary asked={asked} by={as} isLead={isLead} />
        <div className={isLead ? classes.two : classes.wide}>
          <Pane>
            <AgreementFigure asked={asked} by={as} choose={(one) => go({ as: one })} />
          </Pane>
          {isLead ? (
            <Pane>
              <PairFigure asked={asked} by={as} />
            </Pane>
          ) : null}
        </div>
        <div className={classes.wide}>
          <Pane>
            <OverturnFigure asked={asked} group={isLead ? group : "QUEUE"} choose={(one) => go({ group: one })} isLead={isLead} />
          </Pane>
        </div>
        {isLead ? (
          <div className={classes.two}>
            <Pane>
              <ResultFigure asked={asked} />
            </Pane>
            <Pane>
              <GoldenFigure queue={queue} />
            </Pane>
          </div>
        ) : null}
      </div>
    </>
  );
}

function QueueChoice({ chosen, choose }: { chosen: string | null; choose: (id: string | null) => void }) {
  const say = useWords(words);
  const { queues } = useNames();
  return <Select size="xs" className={classes.queues} aria-label={say("queue")} placeholder={say("allQueues")} data={queues.map(({ id, name }) => ({ value: id, label: name }))} value={chosen} onChange={choose} searchable clearable />;
}
