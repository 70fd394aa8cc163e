/** How far first and second reviews agree: by queue with its interval, and of each two people. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Figure, SheetTable } from "@/chart/figure";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { shareOf } from "@/measure/change";
import shared from "@/measure/measure.module.css";
import { languageTag, useWords } from "@/words/words";

import { agreementQuery, pairsQuery, type Asked } from "./query";
import { COMPARED, type Compared } from "./search";
import classes from "./quality.module.css";
import { words } from "./words";

/** A coefficient with two digits, as everybody writes it. */
function useCoefficient() {
  const say = useWords(words);
  const format = new Intl.NumberFormat(languageTag(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return (value: number | null) => (value === null ? say("none") : format.format(value).replace("-", "−"));
}

function usePercent() {
  const say = useWords(words);
  return (part: number, all: number) => {
    const share = shareOf(part, all);
    return share === null ? say("none") : say("percent", { value: Math.round(share) });
  };
}

export function AgreementFigure({ asked, by, choose }: { asked: Asked; by: Compared; choose: (by: Compared) => void }) {
  const say = useWords(words);
  const names = useNames();
  const coefficient = useCoefficient();
  const percent = usePercent();
  const { data, error, refetch } = useQuery(agreementQuery(asked, by));
  const rows = (data ?? []).map((one) => ({ ...one, name: names.queue(one.queueId) })).toSorted((a, b) => (a.alpha.value ?? 2) - (b.alpha.value ?? 2));
  const columns = [{ name: say("queue") }, { name: say("reviews"), numeric: true }, { name: say("same"), numeric: true }, { name: say("alpha"), numeric: true }, { name: say("interval", { low: "2.5 %", high: "97.5 %" }), numeric: true }, { name: say("kappa"), numeric: true }];
  const sheet = { columns, rows: rows.map((row) => [row.name, row.reviews, row.equal, row.alpha.value, `${row.alpha.low ?? ""} ${row.alpha.high ?? ""}`.trim(), row.kappa]) };
  const readable = {
    columns,
    rows: rows.map((row) => [row.name, row.reviews, percent(row.equal, row.reviews), coefficient(row.alpha.value), row.alpha.low === null ? say("none") : say("interval", { low: coefficient(row.alpha.low), high: coefficient(row.alpha.high) }), coefficient(row.kappa)]),
  };
  const chart = (
    <div role="img" aria-label={say("agreementText")}>
      <ul className={classes.intervals} aria-hidden="true">
        {rows.map((row) => (
          <li key={row.queueId}>
            <span className="ell user-text">{row.name}</span>
            <Interval low={row.alpha.low} value={row.alpha.value} high={row.alpha.high} />
            <span className="num">{coefficient(row.alpha.value)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? <p className="t13 dim">{say("agreementNone")}</p> : null;
  return (
    <Figure
      title={say("byQueue")}
      tools={<ComparedBy by={by} choose={choose} />}
      sheet={sheet}
      file={`agreement-${asked.window.from}-${asked.window.to}`}
      first="table"
      chart={instead ?? chart}
      table={
        instead ?? (
          <>
            <SheetTable title={say("byQueue")} sheet={readable} />
            <p className="t12 dim">{say("alphaHint")}</p>
          </>
        )
      }
    />
  );
}

/** From nought to one; what is below chance stands at nought. */
function Interval({ low, value, high }: { low: number | null; value: number | null; high: number | null }) {
  const at = (one: number) => `${Math.min(1, Math.max(0, one)) * 100}%`;
  return (
    <span className={classes.interval}>
      {low !== null && high !== null ? <i style={{ insetInlineStart: at(low), insetInlineEnd: `calc(100% - ${at(high)})` }} /> : null}
      {value === null ? null : <u style={{ insetInlineStart: at(value) }} />}
    </span>
  );
}

function ComparedBy({ by, choose }: { by: Compared; choose: (by: Compared) => void }): ReactNode {
  const say = useWords(words);
  return (
    <span className={shared.seg} role="group" aria-label={say("comparedBy")}>
      {COMPARED.map((one) => (
        <button key={one} type="button" aria-pressed={by === one} onClick={() => choose(one)}>
          {say(one)}
        </button>
      ))}
    </span>
  );
}

export function PairFigure({ asked, by }: { asked: Asked; by: Compared }) {
  const say = useWords(words);
  const names = useNames();
  const coefficient = useCoefficient();
  const percent = usePercent();
  const { data, error, refetch } = useQuery(pairsQuery(asked, by));
  const rows = (data ?? []).map((one) => {
    const [first, second] = one.reviewerIds.map((id) => one.reviewers?.find((person) => person?.id === id)?.name ?? id);
    return { ...one, name: say("two", { one: first ?? "", other: second ?? "" }), queue: names.queue(one.queueId) };
  });
  const columns = [{ name: say("people") }, { name: say("queue") }, { name: say("reviews"), numeric: true }, { name: say("same"), numeric: true }, { name: say("kappa"), numeric: true }];
  const sheet = { columns, rows: rows.map((row) => [row.name, row.queue, row.reviews, row.equal, row.kappa]) };
  const readable = { columns, rows: rows.map((row) => [row.name, row.queue, row.reviews, percent(row.equal, row.reviews), coefficient(row.kappa)]) };
  const bars = (
    <ul className={classes.intervals}>
      {rows.map((row) => (
        <li key={`${row.queueId} ${row.reviewerIds.join(" ")}`}>
          <span className="ell user-text" title={`${row.name} · ${row.queue}`}>
            {row.name}
          </span>
          <Interval low={null} value={row.kappa} high={null} />
          <span className="num">{coefficient(row.kappa)}</span>
        </li>
      ))}
    </ul>
  );
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? <p className="t13 dim">{say("pairsNone")}</p> : null;
  return <Figure title={say("pairs")} sheet={sheet} file={`pairs-${asked.window.from}-${asked.window.to}`} first="table" chart={instead ?? bars} table={instead ?? <SheetTable title={say("pairs")} sheet={readable} />} />;
}
