/** Everybody who reported it, how often they were right, and whether their reports count. */
import { Button, Checkbox, Group, Text, TextInput } from "@mantine/core";
import { useState } from "react";

import { api, answer } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { IdChip } from "@/control/id-chip";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useKept } from "@/form/kept";
import { usePermission } from "@/session/session";
import { Moment } from "@/time/moment";
import { useWordsShown, VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { contextQuery, useJobNames, type Context, type Reporter } from "./context";
import classes from "./job.module.css";
import { words } from "./words";

export function Reports({ context }: { context: Context }) {
  const say = useWords(words);
  const names = useJobNames(context);
  const may = usePermission("EDIT_MRT_QUEUES") && !context.isBlind;
  const isShown = useWordsShown();
  const [asked, setAsked] = useState<Reporter | null>(null);
  const rows = context.job.entries.flatMap((entry) => (entry.report ? [{ ...entry.report, id: entry.entryId }] : []));
  if (rows.length === 0) return null;
  const of = (id: string | undefined) => context.reporters.find((one) => one.id === id);
  return (
    <section className={classes.sect} data-block tabIndex={-1} aria-label={say("reports")}>
      <div className="row g8">
        <h3>{say("reports")}</h3>
        <span className="dim t13">{say("reportsCount", { people: context.job.reporterCount })}</span>
      </div>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.minibox} tabIndex={0} role="region" aria-label={say("reports")}>
        <table className={classes.mini}>
          <colgroup>
            <col style={{ width: 144 }} />
            <col style={{ width: 120 }} />
            <col />
            <col style={{ width: 72 }} />
            <col style={{ width: 112 }} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">{say("reporter")}</th>
              <th scope="col">{say("for")}</th>
              <th scope="col">{say("noteColumn")}</th>
              <th scope="col" className="num">
                {say("upheld")}
              </th>
              <th scope="col" className="num">
                {say("at")}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const reporter = of(row.reporter?.id);
              return (
                <tr key={row.id}>
                  <td className="user-text">{reporter?.displayName ?? row.reporter?.id ?? say("somebody")}</td>
                  <td className="user-text" title={row.policyId ? names.policy(row.policyId) : undefined}>
                    {row.policyId ? names.policy(row.policyId) : say("noValue")}
                  </td>
                  <td className="dim" title={isShown ? (row.reason ?? undefined) : undefined}>
                    <span className={classes.withrow}>
                      {row.item ? <IdChip id={row.item.id} /> : null}
                      <span className="ell user-text">{row.reason === null ? say("noValue") : <VeiledWords>{row.reason}</VeiledWords>}</span>
                      {may && reporter ? (
                        <button type="button" className={`${classes.plain} ${classes.onrow}`} aria-label={say("invalidateOf", { name: reporter.displayName ?? reporter.id })} onClick={() => setAsked(reporter)}>
                          {say("invalidate")}
                        </button>
                      ) : null}
                    </span>
                  </td>
                  <td className="num dim">{reporter ? <Upheld one={reporter} /> : say("noValue")}</td>
                  <td className="num">
                    <Moment at={row.reportedAt} dated />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {asked ? <Invalidate context={context} reporter={asked} close={() => setAsked(null)} /> : null}
    </section>
  );
}

function Upheld({ one }: { one: Reporter }) {
  const say = useWords(words);
  if (one.reports30d === null) return <>{say("noValue")}</>;
  return <>{one.reports30d <= 1 && !one.upheld30d ? say("first") : say("upheldOf", { upheld: one.upheld30d ?? 0, count: one.reports30d })}</>;
}

function Invalidate({ context, reporter, close }: { context: Context; reporter: Reporter; close: () => void }) {
  const say = useWords(words);
  const [everywhere, setEverywhere] = useState(false);
  const [reason, setReason] = useKept(`invalidate.${context.job.id}.${reporter.id}`);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const name = reporter.displayName ?? reporter.id;
  const send = () => {
    setBusy(true);
    const body = { reporter: { id: reporter.id, typeId: reporter.typeId }, ...(everywhere ? {} : { jobId: context.job.id }), ...(reason.trim() ? { reason: reason.trim() } : {}) };
    answer(api.POST("/v1/report-invalidations", { body }))
      .then(() => {
        setReason("");
        toast(say("invalidated", { name }));
        void queries.invalidateQueries({ queryKey: contextQuery(context.job.id).queryKey });
        close();
      })
      .catch((fault: unknown) => setError(asProblem(fault) ?? fault))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog opened onClose={close} title={say("invalidateTitle", { name })} centered>
      <Text size="sm">{say("invalidateText")}</Text>
      <Checkbox mt="md" size="xs" label={say("everywhere")} checked={everywhere} onChange={(event) => setEverywhere(event.currentTarget.checked)} />
      <TextInput mt="md" label={say("why2")} maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      {error ? <Problem error={error} /> : null}
      <Group mt="lg" gap="sm" justify="flex-end">
        <Button onClick={close}>{say("cancel")}</Button>
        <Button variant="filled" loading={busy} onClick={send}>
          {say("invalidate")}
        </Button>
      </Group>
    </Dialog>
  );
}
