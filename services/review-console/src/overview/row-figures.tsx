/** Three figures of rows: decisions of people, actions of rules, violations of policies. */
import { RowBar, Spark } from "@/chart/chart";
import chart from "@/chart/chart.module.css";
import { Figure } from "@/chart/figure";
import type { Sheet } from "@/chart/sheet";
import { peopleOf, rowsOf, sum } from "@/measure/answer";
import { ChangeCell, useChange } from "@/measure/change-words";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { useDayName } from "@/measure/use-day-name";
import type { TimeWindow } from "@/measure/window";
import { useWords } from "@/words/words";

import type { Figures, PolicyRow } from "./figures";
import classes from "./overview.module.css";
import { words } from "./words";

interface Props {
  readonly figures: Figures;
  readonly window: TimeWindow;
}

const PEOPLE = 8;
const RULES = 7;
const PARTS = [
  ["acted", "var(--ch1)"],
  ["noViolation", "var(--ch5)"],
  ["passedOn", "var(--ch2)"],
] as const;

export function ModeratorFigure({ figures, window, isLead }: Props & { isLead: boolean }) {
  const say = useWords(words);
  const change = useChange();
  const none = useNone("noDecisions", window);
  const title = say(isLead ? "perModerator" : "yourDecisions");
  const rows = peopleOf(figures.of.decisions, figures.of.decisionTypes, figures.names);
  const most = Math.max(1, ...rows.map((row) => Math.max(row.total, row.before ?? 0)));
  const sheet: Sheet = {
    columns: [{ name: say("moderator") }, ...PARTS.map(([name]) => ({ name: say(name), numeric: true })), { name: say("total"), numeric: true }, ...(window.isCompared ? [{ name: say("change"), numeric: true }] : [])],
    rows: rows.map((row) => [row.name, row.acted, row.noViolation, row.passedOn, row.total, ...(window.isCompared ? [change(row.total, row.before)] : [])]),
  };
  const bars = (
    <>
      <ul className={shared.legend}>
        {PARTS.map(([name, colour]) => (
          <li key={name}>
            <i style={{ background: colour }} />
            {say(name)}
          </li>
        ))}
      </ul>
      <ul className={shared.people}>
        {rows.slice(0, PEOPLE).map((row) => (
          <li key={row.id}>
            <DecisionsLink window={window} by={[row.id]} className="ell user-text">
              {row.name}
            </DecisionsLink>
            <RowBar thick most={most} parts={PARTS.map(([name, colour]) => ({ value: row[name], colour }))} before={row.before} />
            <span className="num">{row.total.toLocaleString()}</span>
          </li>
        ))}
      </ul>
      {rows.length > PEOPLE ? <p className="t12 dim">{say("morePeople", { count: rows.length - PEOPLE })}</p> : null}
    </>
  );
  return <Figure title={title} link={<DecisionsLink window={window} by={isLead ? undefined : rows.map((row) => row.id)} source={["MRT_JOB"]}>{title}</DecisionsLink>} sheet={sheet} file={`decisions-${window.from}-${window.to}`} chart={rows.length === 0 ? none : bars} table={rows.length === 0 ? none : undefined} />;
}

export function RuleFigure({ figures, window }: Props) {
  const say = useWords(words);
  const change = useChange();
  const none = useNone("noRules", window);
  const answer = figures.of.byRule;
  const rows = rowsOf(answer, figures.names).filter((row) => row.total > 0 || (row.before ?? 0) > 0);
  const shown = rows.slice(0, RULES);
  const rest = rows.slice(RULES);
  const more = { keys: rest.length + (answer.others?.keys ?? 0), total: sum(rest.map((row) => row.total)) + (answer.others?.total ?? 0) };
  const most = Math.max(1, ...rows.map((row) => Math.max(row.total, row.before ?? 0)));
  const sheet = useRowSheet("rule", rows, window);
  const table = (
    <table className={`${chart.table} ${classes.rules}`}>
      <thead>
        <tr>
          <th scope="col">{say("rule")}</th>
          <th scope="col">{say("trend", { unit: window.bucket })}</th>
          <th scope="col" className="num">
            {say("actions")}
          </th>
          {window.isCompared ? (
            <th scope="col" className="num">
              {say("change")}
            </th>
          ) : null}
        </tr>
      </thead>
      <tbody>
        {shown.map((row) => (
          <tr key={row.id}>
            <td className="ell">
              <DecisionsLink window={window} rule={[row.id]} className="user-text">
                {row.name}
              </DecisionsLink>
            </td>
            <td>
              <Spark counts={row.counts} />
            </td>
            <td className="num">{row.total.toLocaleString()}</td>
            {window.isCompared ? (
              <td className="num">
                <ChangeCell now={row.total} before={row.before} />
              </td>
            ) : null}
          </tr>
        ))}
        {more.keys > 0 ? (
          <tr>
            <td className="dim">{say("moreRules", { count: more.keys })}</td>
            <td />
            <td className="num">{more.total.toLocaleString()}</td>
            {window.isCompared ? <td className="num">{change(null, null)}</td> : null}
          </tr>
        ) : null}
      </tbody>
    </table>
  );
  const bars = (
    <ul className={shared.people}>
      {shown.map((row) => (
        <li key={row.id}>
          <span className="ell user-text">{row.name}</span>
          <RowBar thick most={most} parts={[{ value: row.total, colour: "var(--ch1)" }]} before={row.before} />
          <span className="num">{row.total.toLocaleString()}</span>
        </li>
      ))}
    </ul>
  );
  const sub = rows.length > 0 ? say("ruleCount", { shown: shown.length, all: shown.length + more.keys }) : null;
  return <Figure title={say("perRule")} link={<DecisionsLink window={window} source={["RULE_EXECUTION"]}>{say("perRule")}</DecisionsLink>} sub={sub} sheet={sheet} file={`rules-${window.from}-${window.to}`} first="table" chart={rows.length === 0 ? none : bars} table={rows.length === 0 ? none : table} />;
}

export function PolicyFigure({ policies, window }: { policies: readonly PolicyRow[]; window: TimeWindow }) {
  const say = useWords(words);
  const none = useNone("noPolicies", window);
  const roots = policies.filter((row) => row.depth === 0);
  const total = sum(roots.map((row) => row.total));
  const before = window.isCompared ? sum(roots.map((row) => row.before ?? 0)) : null;
  const most = Math.max(1, ...policies.map((row) => Math.max(row.total, row.before ?? 0)));
  const sheet = useRowSheet("policy", policies, window);
  const name = (row: PolicyRow) => (
    <DecisionsLink window={window} policy={row.ids} className="user-text">
      {row.name}
    </DecisionsLink>
  );
  const table = (
    <table className={`${chart.table} ${classes.policies}`}>
      <thead>
        <tr>
          <th scope="col">{say("policy")}</th>
          <th scope="col">
            {window.isCompared ? (
              <span className="row g4">
                <u className={classes.tick} />
                {say("before", { unit: window.bucket })}
              </span>
            ) : null}
          </th>
          <th scope="col" className="num">
            {say("count")}
          </th>
          {window.isCompared ? (
            <th scope="col" className="num">
              {say("change")}
            </th>
          ) : null}
        </tr>
      </thead>
      <tbody>
        {policies.map((row) => (
          <tr key={`${row.id}${row.depth}`} data-depth={row.depth}>
            <td className="ell">{name(row)}</td>
            <td>
              <RowBar most={most} parts={[{ value: row.total, colour: "var(--ch1)" }]} before={row.before} />
            </td>
            <td className="num">{row.total.toLocaleString()}</td>
            {window.isCompared ? (
              <td className="num">
                <ChangeCell now={row.total} before={row.before} />
              </td>
            ) : null}
          </tr>
        ))}
        <tr data-depth={0}>
          <td>{say("allPolicies")}</td>
          <td />
          <td className="num">{total.toLocaleString()}</td>
          {window.isCompared ? (
            <td className="num">
              <ChangeCell now={total} before={before} />
            </td>
          ) : null}
        </tr>
      </tbody>
    </table>
  );
  const bars = (
    <ul className={shared.people}>
      {roots.map((row) => (
        <li key={row.id}>
          <span className="ell">{name(row)}</span>
          <RowBar thick most={most} parts={[{ value: row.total, colour: "var(--ch1)" }]} before={row.before} />
          <span className="num">{row.total.toLocaleString()}</span>
        </li>
      ))}
    </ul>
  );
  return <Figure title={say("byPolicy")} link={<DecisionsLink window={window}>{say("byPolicy")}</DecisionsLink>} sheet={sheet} file={`policies-${window.from}-${window.to}`} first="table" chart={roots.length === 0 ? none : bars} table={roots.length === 0 ? none : table} />;
}

function useRowSheet(kind: "rule" | "policy", rows: readonly { name: string; total: number; before: number | null }[], window: TimeWindow): Sheet {
  const say = useWords(words);
  return {
    columns: [{ name: say(kind) }, { name: say("count"), numeric: true }, ...(window.isCompared ? [{ name: say("before", { unit: window.bucket }), numeric: true }] : [])],
    rows: rows.map((row) => [row.name, row.total, ...(window.isCompared ? [row.before] : [])]),
  };
}

function useNone(key: "noDecisions" | "noRules" | "noPolicies", window: TimeWindow) {
  const say = useWords(words);
  const dayName = useDayName();
  return <p className="t13 dim">{say(key, { from: dayName(window.from), to: dayName(window.to) })}</p>;
}
