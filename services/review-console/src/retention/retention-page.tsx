/** What is kept and for how long: all of it at the left, what the organisation itself decides at the right. */
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { useSession } from "@/session/session";
import { Part } from "@/settings/document-form";
import { Find } from "@/settings/find";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { settingsQuery } from "@/wellness/organisation";
import { useWords } from "@/words/words";

import { PLACES, shownOf, storedQuery, VIEWS, type Search, type Stored } from "./query";
import classes from "./retention.module.css";
import { words } from "./words";

const route = getRouteApi("/_app/settings/retention");
/** Fields of the organisation's settings that say how long; the last in seconds. */
const OWN = ["itemHistoryDays", "closedJobDays", "recordDays", "undoWindow"] as const;
const isOwn = (name: string): name is (typeof OWN)[number] => OWN.some((one) => one === name);

export function RetentionPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: Partial<Search>) => void navigate({ to: "/settings/retention", replace: true, search: { ...search, ...change } });
  const { permissions } = useSession();
  return (
    <>
      <SettingsHead title={say("title")} facts={say("facts")} />
      <div className={shared.filters}>
        <SegmentedControl size="xs" aria-label={say("whose")} data={VIEWS.map((value) => ({ value, label: say(value) }))} value={search.view ?? "END_USER"} onChange={(value) => go({ view: VIEWS.find((one) => one === value) })} />
        <Find value={search.q} find={(q) => go({ q })} label={say("find")} />
      </div>
      <div className={shared.page}>
        {/* What scrolls has to be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div role="region" aria-label={say("title")} tabIndex={0}>
          <Pane>
            <Kinds search={search} showAll={() => go({ view: "ALL", q: undefined })} />
          </Pane>
        </div>
        <div className={shared.beside}>
          <Part title={say("own")}>
            {permissions.includes("MANAGE_ORG") ? <Own /> : <p className="dim t13">{say("cannotSee")}</p>}
            {permissions.includes("ERASE_END_USERS") ? (
              <p className="t13">
                {say("beside")}{" "}
                <Link to="/settings/erasures" className={classes.link}>
                  {say("toErasures")}
                </Link>
              </p>
            ) : null}
          </Part>
        </div>
      </div>
    </>
  );
}

function Own() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const value = (name: (typeof OWN)[number]) => {
    const count = data[name] ?? null;
    return count === null ? say("never") : say(name === "undoWindow" ? "seconds" : "days", { count });
  };
  return (
    <>
      <dl className={classes.own}>
        {OWN.map((name) => (
          <div key={name}>
            <dt>{say(name)}</dt>
            <dd className="tnum">{value(name)}</dd>
          </div>
        ))}
      </dl>
      <Link to="/settings/general" className="t13">
        {say("toGeneral")}
      </Link>
    </>
  );
}

function Kinds({ search, showAll }: { search: Search; showAll: () => void }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(storedQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={12} />;
  const shown = shownOf(data, search);
  if (shown.length === 0) {
    return (
      <Empty title={say("noneTitle")} next={<Button onClick={showAll}>{say("showAll")}</Button>}>
        {say("noneText")}
      </Empty>
    );
  }
  return PLACES.map((place) => {
    const of = shown.filter((one) => one.place === place);
    return of.length === 0 ? null : (
      <Part key={place} title={say(`p_${place}`)} facts={of.length.toLocaleString()}>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div className={shared.scroll} role="group" aria-label={say(`p_${place}`)} tabIndex={0}>
          <table className={`${shared.table ?? ""} ${classes.kinds ?? ""}`}>
            <thead>
              <tr>
                <th scope="col">{say("what")}</th>
                <th scope="col">{say("kept")}</th>
                <th scope="col">{say("by")}</th>
                <th scope="col">{say("erased")}</th>
              </tr>
            </thead>
            <tbody>
              {of.map((one) => (
                <Kind key={`${one.name} ${one.what}`} of={one} />
              ))}
            </tbody>
          </table>
        </div>
      </Part>
    );
  });
}

function Kind({ of }: { of: Stored }) {
  const say = useWords(words);
  return (
    <tr>
      <td>
        {of.what} <span className="dim mono">{of.name}</span>
      </td>
      <td>
        {of.kept}
        {of.ends || of.note === null ? null : <span className={`dim t12 ${classes.why ?? ""}`}>{say("noEnd", { why: of.note })}</span>}
      </td>
      <td>
        {of.organisation ? (
          <>
            {say("yours")} {isOwn(of.organisation) ? say(of.organisation) : of.organisation}
          </>
        ) : null}
        {of.operator ? (
          <>
            {say("operator")} <code>{of.operator}</code>
          </>
        ) : null}
      </td>
      <td>
        {say(`e_${of.erased}`)}
        {of.erased === "STAYS" && of.ends && of.note ? <span className={`dim t12 ${classes.why ?? ""}`}>{of.note}</span> : null}
      </td>
    </tr>
  );
}
