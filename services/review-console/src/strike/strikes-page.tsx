/** Strikes: what counts and what follows at the left; who has how many at the right. */
import { ActionIcon, Button, MultiSelect, NumberInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";

import type { Schema } from "@/api/client";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm, type DocumentForm } from "@/settings/use-document-form";
import { Moment } from "@/time/moment";
import { settingsQuery } from "@/wellness/organisation";
import { languageTag, useWords } from "@/words/words";

import { barsOf, crossingsQuery, distributionQuery, faultsOf, read, save, Values, valuesOf, type Settings } from "./strike";
import classes from "./strike.module.css";
import { words } from "./words";

export function StrikesPage() {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  return data ? <Page settings={data} /> : <Skeleton lines={12} />;
}

type Form = DocumentForm<Settings, Values>;

function Page({ settings }: { settings: Settings }) {
  const say = useWords(words);
  const [isTried, setTried] = useState(false);
  const form = useDocumentForm({
    document: settings,
    schema: Values,
    valuesOf,
    paths: ["userStrikeTtlDays", "userStrikeThresholds"],
    save,
    read,
    saved: (kept) => {
      queries.setQueryData(settingsQuery.queryKey, kept);
      setTried(false);
      toast(say("savedToast"));
    },
  });
  const isWrong = faultsOf(form.form.values.userStrikeThresholds).some((one) => one.threshold ?? one.actionIds);
  // Rows are checked here, where their faults stand; what is wrong is not sent.
  const checked: Form = { ...form, submit: (event) => (isWrong ? (event?.preventDefault(), setTried(true)) : form.submit(event)) };
  const thresholds = (form.base ?? settings).userStrikeThresholds?.map((one) => one.threshold) ?? [];
  return (
    <>
      <SettingsHead title={say("title")} facts={say("facts", { count: (form.base ?? settings).userStrikeTtlDays ?? 0 })}>
        <SaveButtons form={checked} />
      </SettingsHead>
      <div className={shared.page} data-half>
        <div>
          <DocumentFields form={checked} valuesOf={valuesOf} named={(field) => (field === "userStrikeThresholds" || field === "userStrikeTtlDays" ? say(field) : field)}>
            <Thresholds form={form} isTried={isTried} />
          </DocumentFields>
          <Pane>
            <Scores />
          </Pane>
        </div>
        <div className={shared.beside}>
          <Pane>
            <Distribution thresholds={thresholds} />
          </Pane>
          <Pane>
            <Crossings />
          </Pane>
        </div>
      </div>
    </>
  );
}

function Thresholds({ form, isTried }: { form: Form; isTried: boolean }) {
  const say = useWords(words);
  const { actions, itemTypes } = useNames();
  const rows = form.form.values.userStrikeThresholds;
  const faults = faultsOf(rows);
  // Only what can be done to users; what is chosen already stays, and review-api says what is wrong with it.
  const users = itemTypes.filter((one) => one.kind === "USER").map((one) => one.id);
  const isOfUsers = (one: Schema["ActionView"]) => (one.appliesToAllItemsOfKind ?? []).includes("USER") || (one.itemTypeIds ?? []).some((id) => users.includes(id));
  const data = actions.filter((one) => isOfUsers(one) || rows.some((row) => row.actionIds.includes(one.id))).map((one) => ({ value: one.id, label: one.name }));
  const add = () => form.form.insertListItem("userStrikeThresholds", { threshold: "", actionIds: [], parameters: {} });
  return (
    <>
      <Part
        title={say("thresholds")}
        tools={
          <Button size="xs" onClick={add} leftSection={<IconPlus className="icon" aria-hidden="true" />}>
            {say("add")}
          </Button>
        }
      >
        <p className="dim t12">{say("thresholdsHint")}</p>
        {rows.length === 0 ? <p className="dim t13">{say("noThresholds")}</p> : null}
        {rows.map((row, at) => (
          <div key={at} className={classes.threshold} role="group" aria-label={`${say("thresholds")} ${at + 1}`}>
            <NumberInput {...form.input(`userStrikeThresholds.${at}.threshold`)} size="xs" aria-label={say("thresholdOf", { place: at + 1 })} min={1} allowDecimal={false} error={(isTried ? faults[at]?.threshold : null) ?? faultsUnder(form, `userStrikeThresholds.${at}.threshold`)[0]} />
            <MultiSelect {...form.input(`userStrikeThresholds.${at}.actionIds`)} size="xs" aria-label={say("actionsOf", { place: at + 1 })} placeholder={row.actionIds.length === 0 ? say("actions") : undefined} data={data} searchable error={(isTried ? faults[at]?.actionIds : null) ?? faultsUnder(form, `userStrikeThresholds.${at}.actionIds`)[0]} />
            <ActionIcon variant="subtle" size={28} aria-label={say("remove", { count: String(row.threshold) })} onClick={() => form.form.removeListItem("userStrikeThresholds", at)}>
              <IconX className="icon" aria-hidden="true" />
            </ActionIcon>
            <Faults of={faultsUnder(form, `userStrikeThresholds.${at}`, ["threshold", "actionIds"])} />
          </div>
        ))}
      </Part>
      <div className={shared.lines}>
        <NumberInput {...form.input("userStrikeTtlDays")} size="xs" label={say("ttl")} description={say("ttlHint")} min={1} allowDecimal={false} />
      </div>
    </>
  );
}

function Scores() {
  const say = useWords(words);
  const { policies, policy } = useNames();
  const counting = policies.filter((one) => (one.userStrikeCount ?? 0) > 0).sort((a, b) => (b.userStrikeCount ?? 0) - (a.userStrikeCount ?? 0) || policy(a.id).localeCompare(policy(b.id), languageTag()));
  return (
    <Part title={say("scores")} facts={say("scoresHint")} tools={<Link to="/policies" className="t13">{say("toPolicies")}</Link>}>
      {counting.length === 0 ? (
        <p className="dim t13">{say("noScores")}</p>
      ) : (
        <table className={shared.table}>
          <thead>
            <tr>
              <th scope="col">{say("policy")}</th>
              <th scope="col" className="num">
                {say("strikes")}
              </th>
            </tr>
          </thead>
          <tbody>
            {counting.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link to="/policies/$policyId" params={{ policyId: one.id }} className="user-text">
                    {policy(one.id)}
                  </Link>{" "}
                  {one.applyStrikesToSubPolicies ? <span className="dim t12">{say("alsoBelow")}</span> : null}
                </td>
                <td className="num">{one.userStrikeCount}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {counting.length > 0 && counting.length < policies.length ? <p className="dim t12">{say("others", { count: policies.length - counting.length })}</p> : null}
    </Part>
  );
}

function Distribution({ thresholds }: { thresholds: readonly number[] }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(distributionQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const bars = barsOf(data.items);
  const most = Math.max(1, ...bars.map((one) => one.users));
  const users = data.items.reduce((all, one) => all + one.users, 0);
  const range = (from: number, to: number) => (from === to ? String(from) : `${from}–${to}`);
  return (
    <Part title={say("distribution")}>
      <p className="dim t12">{say("distributionText", { users, thresholds: thresholds.length })}</p>
      {bars.length > 0 ? (
        <table className={classes.bars}>
          <thead className="hidden">
            <tr>
              <th scope="col">{say("strikes")}</th>
              <th scope="col">{say("users")}</th>
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => {
              const isReached = thresholds.some((one) => one >= bar.from && one <= bar.to);
              return (
                <tr key={bar.from} data-threshold={isReached || undefined}>
                  <th scope="row">
                    {range(bar.from, bar.to)}
                    {isReached ? <span className="hidden">, {say("reached")}</span> : null}
                  </th>
                  <td>
                    <span className={classes.bar} style={{ width: `${(bar.users / most) * 80}%` }} aria-hidden="true" />
                    <span className="tnum">{bar.users > 0 ? bar.users.toLocaleString(languageTag()) : ""}</span>
                    {bar.users > 0 ? null : <span className="hidden">0</span>}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      ) : null}
    </Part>
  );
}

function Crossings() {
  const say = useWords(words);
  const names = useNames();
  const list = useInfiniteQuery(crossingsQuery);
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.error && !list.data) return <Problem error={list.error} again={() => void list.refetch()} />;
  if (!list.data) return <Skeleton lines={4} />;
  return (
    <Part title={say("crossings")} facts={say("crossingsHint")}>
      {rows.length === 0 ? <p className="dim t13">{say("noCrossings")}</p> : null}
      <ol className={classes.crossings}>
        {rows.map((one) => (
          <li key={one.crossingId}>
            <span>
              <Link to="/investigate" search={{ type: one.user.typeId, id: one.user.id }} className="user-text med">
                {one.user.id}
              </Link>{" "}
              <span className="dim">{say("crossed", { total: one.total, threshold: one.threshold })}</span>
            </span>
            <span className="dim t12">
              <Moment at={one.crossedAt} relative /> · {one.executions.length > 0 ? one.executions.map(({ actionId }) => names.action(actionId)).join(", ") : say("didNothing")}
              {one.fellAt ? <> · {say.rich("fell", { when: <Moment at={one.fellAt} dated /> })}</> : null}
            </span>
          </li>
        ))}
      </ol>
      {list.hasNextPage ? (
        <span>
          <Button size="compact-xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {say("older")}
          </Button>
        </span>
      ) : null}
    </Part>
  );
}
