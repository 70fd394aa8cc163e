/** A change that waits for a second person: what differs, what it would act on, who asked; and the answer. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { queries } from "@/api/query";
import type { Names } from "@/configuration/names";
import { changesBetween, Differences } from "@/control/difference";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import { Expected } from "./ask-approval";
import { comparable, fieldValued, type Field } from "./compared";
import { useAsks } from "./parts";
import { approve, decline, isWaiting, proposalsQuery, withdraw, type Proposal } from "./proposal";
import { words } from "./proposal-words";
import type { Rule } from "./query";
import { Refused } from "./refused";
import classes from "./rule.module.css";
import { words as ruleWords } from "./words";

export function Waiting({ rule, names }: { rule: Rule; names: Names }) {
  const { data, error, refetch } = useQuery(proposalsQuery(rule.id));
  if (error) return <Problem error={error} again={() => void refetch()} />;
  return data?.items.filter(isWaiting).map((one) => <One key={one.id} proposal={one} rule={rule} names={names} />) ?? null;
}

function One({ proposal, rule, names }: { proposal: Proposal; rule: Rule; names: Names }) {
  const say = useWords(words);
  const sayRule = useWords(ruleWords);
  const asks = useAsks();
  const proposed = proposal.rule as unknown as Rule;
  const said = (one: Rule) => comparable(one, asks, sayRule);
  const { state } = proposal;
  return (
    <section className={`${classes.part ?? ""} ${classes.waiting ?? ""}`} aria-label={say("title")}>
      <h2>{say(state === "EXPIRED" || state === "OUTDATED" ? `title_${state}` : "title")}</h2>
      <p className="dim t13">
        {say("by", { name: proposal.proposedByPerson?.name ?? "", when: absolute(proposal.proposedAt, false) })}
        {state === "OPEN" ? `, ${say("until", { when: absolute(proposal.expiresAt, false) })}` : ""}
      </p>
      {proposal.note ? <p className="user-text">{proposal.note}</p> : null}
      <Expected forecast={proposal} actionIds={proposed.actionIds ?? []} />
      <p className="dim t13">{say("aboveText", { above: proposal.above })}</p>
      {state === "OUTDATED" ? null : <Differences changes={changesBetween(said(rule), said(proposed))} named={(field) => sayRule(`field_${field as Field}`)} valued={fieldValued(names)} was={say("was")} is={say("is")} />}
      <Answer proposal={proposal} rule={rule} />
    </section>
  );
}

function Answer({ proposal, rule }: { proposal: Proposal; rule: Rule }) {
  const say = useWords(words);
  const mayLive = usePermission("MUTATE_LIVE_RULES");
  const [isDeclining, setDeclining] = useState(false);
  const [reason, setReason] = useState("");
  const said = { approve: "approved", decline: "declined", withdraw: "withdrawn" } as const;
  const answer = useMutation({
    mutationFn: (how: keyof typeof said) => ({ approve, withdraw, decline: (id: string) => decline(id, reason.trim()) })[how](proposal.id),
    onSuccess: (_, how) => toast(say(said[how], { name: rule.name })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["configuration"] }),
  });
  const button = (how: keyof typeof said, variant: "filled" | "default", disabled = false) => (
    <Button size="xs" variant={variant} disabled={disabled} loading={answer.isPending && answer.variables === how} onClick={() => answer.mutate(how)}>
      {say(how)}
    </Button>
  );
  return (
    <>
      {answer.error ? <Refused error={answer.error} rule={rule} /> : null}
      {proposal.state === "OPEN" ? null : <p>{say("askAgain")}</p>}
      {proposal.mine && proposal.state === "OPEN" ? <p className="dim t13">{say("ownText")}</p> : null}
      {mayLive ? null : <p className="dim t13">{say("mayNotText", { needs: calledBy("MUTATE_LIVE_RULES") })}</p>}
      {isDeclining ? <Writing lines={[2, 6]} size="xs" maxLength={2000} label={say("why")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} /> : null}
      <div className="row g8" style={{ marginTop: 8 }}>
        {proposal.answerable && !isDeclining ? button("approve", "filled") : null}
        {mayLive && !proposal.mine ? (
          isDeclining ? (
            button("decline", "filled", reason.trim() === "")
          ) : (
            <Button size="xs" onClick={() => setDeclining(true)}>
              {say("decline")}
            </Button>
          )
        ) : null}
        {proposal.mine ? button("withdraw", "default") : null}
      </div>
    </>
  );
}
