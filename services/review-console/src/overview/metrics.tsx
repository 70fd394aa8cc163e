/** The four numbers at the top: what was done, what waits now, by whom, against which policies. */
import { RowBar, Spark } from "@/chart/chart";
import { useLive } from "@/live/stream";
import { Severity } from "@/look/severity";
import { shareOf, signed } from "@/measure/change";
import { ChangeCell, useChange } from "@/measure/change-words";
import { DecisionsLink, QueuesLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import type { TimeWindow } from "@/measure/window";
import { useNow, useSpan } from "@/time/moment";
import { languageTag, useWords } from "@/words/words";

import type { Figures, PolicyRow } from "./figures";
import classes from "./overview.module.css";
import { words } from "./words";

interface Props {
  readonly figures: Figures;
  readonly window: TimeWindow;
}

const BY_RULES = ["RULE_EXECUTION", "STRIKE_THRESHOLD", "RETROACTION"] as const;
const BY_PEOPLE = ["MRT_JOB", "BULK_ACTION", "REVERSAL"] as const;
const bold = (chunks: React.ReactNode[]) => <b>{chunks}</b>;

export function TotalMetric({ figures, window }: Props) {
  const say = useWords(words);
  const change = useChange();
  const { series, starts } = figures.of.total;
  const { total = 0, previousTotal = null, counts = [] } = series[0] ?? {};
  const now = total ?? 0;
  const unit = { unit: window.bucket, count: starts.length };
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <DecisionsLink window={window}>
          {say("totalTaken")}
        </DecisionsLink>
      </h2>
      <div className={shared.value}>
        <b>{now.toLocaleString()}</b>
        <Spark counts={counts} />
      </div>
      <p className={shared.note}>
        {previousTotal === null
          ? say("notCompared", { average: Math.round(now / Math.max(1, starts.length)).toLocaleString(), unit: window.bucket })
          : previousTotal === 0
            ? say("newSince", unit)
            : say.rich("changedFrom", { change: change(now, previousTotal, 1), before: previousTotal.toLocaleString(), ...unit, b: bold })}
      </p>
    </div>
  );
}

export function WaitingMetric({ figures }: { figures: Figures }) {
  const say = useWords(words);
  const span = useSpan();
  const clock = useNow(60);
  const live = useLive("queues")?.items;
  const { counts = [], total = null } = figures.of.open.series[0] ?? {};
  const waiting = live ? live.reduce((sum, one) => sum + one.pending, 0) : (total ?? 0);
  const yesterday = counts.at(-2) ?? null;
  const overdue = live?.reduce((sum, one) => sum + one.overdue, 0) ?? 0;
  const oldest = live?.flatMap((one) => (one.pending > 0 && one.oldestCreatedAt ? [Date.parse(one.oldestCreatedAt)] : [])) ?? [];
  const parts = [
    yesterday === null || total === null ? null : <span key="since">{say.rich("sinceYesterday", { change: signed(total - yesterday), b: bold })}</span>,
    overdue > 0 ? <Severity key="overdue" level="severe">{say("overdueNow", { count: overdue.toLocaleString() })}</Severity> : null,
    oldest.length > 0 ? <span key="oldest">{say("oldest", { span: span(clock - Math.min(...oldest)) })}</span> : null,
  ].filter((part) => part !== null);
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <QueuesLink>{say("waiting")}</QueuesLink> <span className={classes.now}>{say("now")}</span>
      </h2>
      <div className={shared.value}>
        <b>{waiting.toLocaleString()}</b>
        <Spark counts={counts} />
      </div>
      <p className={shared.note}>{waiting === 0 ? say("nothingWaits") : parts.map((part, index) => [index > 0 ? " · " : null, part])}</p>
    </div>
  );
}

export function AutomationMetric({ figures, window }: Props) {
  const say = useWords(words);
  const of = (key: string) => figures.of.automation.series.find((one) => one.keys[0] === key);
  const [rules, people] = [of("AUTOMATED")?.total ?? 0, of("MANUAL")?.total ?? 0];
  const [rulesBefore, peopleBefore] = [of("AUTOMATED")?.previousTotal ?? 0, of("MANUAL")?.previousTotal ?? 0];
  const share = shareOf(rules, rules + people);
  const before = shareOf(rulesBefore, rulesBefore + peopleBefore);
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <DecisionsLink window={window}>
          {say("automatedManual")}
        </DecisionsLink>
      </h2>
      <div className={shared.value}>
        <b>{share === null ? "–" : say("percent", { value: new Intl.NumberFormat(languageTag(), { maximumFractionDigits: 1 }).format(share) })}</b>
        <span className={shared.aside}>{share === null ? say("noneYet") : say("automated")}</span>
        <span className={classes.share}>
          <RowBar most={rules + people} parts={[{ value: rules, colour: "var(--ch1)" }, { value: people, colour: "var(--ch5)" }]} />
        </span>
      </div>
      <p className={shared.note}>
        {say.rich("byWhom", {
          rules: rules.toLocaleString(),
          people: people.toLocaleString(),
          r: (chunks: React.ReactNode[]) => (
            <DecisionsLink window={window} source={BY_RULES}>
              {chunks}
            </DecisionsLink>
          ),
          p: (chunks: React.ReactNode[]) => (
            <DecisionsLink window={window} source={BY_PEOPLE}>
              {chunks}
            </DecisionsLink>
          ),
        })}
        {share !== null && before !== null && window.isCompared ? (
          <>
            {" · "}
            <b>{say("points", { value: signed(share - before, 1) })}</b>
          </>
        ) : null}
      </p>
    </div>
  );
}

export function TopMetric({ policies, window }: { policies: readonly PolicyRow[]; window: TimeWindow }) {
  const say = useWords(words);
  const top = policies.filter((one) => one.depth === 0).slice(0, 3);
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>
        <DecisionsLink window={window} policy={top.length > 0 ? top.flatMap((one) => one.ids) : undefined}>
          {say("topViolations")}
        </DecisionsLink>
      </h2>
      {top.length === 0 ? <p className={shared.note}>{say("noneYet")}</p> : null}
      <ol className={classes.top}>
        {top.map((one) => (
          <li key={one.id}>
            <DecisionsLink window={window} policy={one.ids} className="ell user-text">
              {one.name}
            </DecisionsLink>
            <span className="num med">{one.total.toLocaleString()}</span>
            <span className="num">
              <ChangeCell now={one.total} before={one.before} />
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
