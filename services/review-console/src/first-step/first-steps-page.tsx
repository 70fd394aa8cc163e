/**
 * First steps: what a new organisation sets up, in an order in which it works, with the requests to send.
 */
import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconCheck } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";

import { itemTypesQuery, policiesQuery } from "@/configuration/query";
import { Problem, Skeleton } from "@/control/state";
import { Severity } from "@/look/severity";
import { SettingsHead } from "@/settings/head";
import { RequestSample } from "@/settings/request-sample";
import { dataOf, itemBody, sampleId } from "@/settings/sample";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./first-step.module.css";
import { STEPS, useStanding, type Standing, type Step } from "./steps";
import { words } from "./words";

export function FirstStepsPage() {
  const say = useWords(words);
  const standing = useStanding();
  const [opened, setOpened] = useState<Step | "none" | null>(null);
  const [isListening, setListening] = useState(false);
  if (standing.error && standing.isComing) return <Problem error={standing.error} />;
  if (standing.isComing) return <Skeleton lines={8} />;
  const done = STEPS.filter((step) => standing.done[step]).length;
  const next = STEPS.find((step) => !standing.done[step]) ?? null;
  // Whoever sends a first item waits for its arrival here: that it came does not close what says so.
  if (next === "item" && !isListening) setListening(true);
  const open = opened ?? (isListening ? "item" : next);
  return (
    <>
      <SettingsHead
        title={say("title")}
        facts={
          <>
            <progress className={classes.progress} max={STEPS.length} value={done} aria-label={say("title")} />
            <span role="status">{say("progress", { done, all: STEPS.length })}</span>
          </>
        }
      />
      <div className={classes.page}>
        <ol className={classes.steps}>
          {STEPS.map((step, index) => (
            <StepRow key={step} step={step} n={index + 1} standing={standing} isOpen={open === step} toggle={() => setOpened(open === step ? "none" : step)} />
          ))}
        </ol>
        <p className={`dim t13 ${classes.hint ?? ""}`}>{say(next === null ? "allDone" : "hint")}</p>
      </div>
    </>
  );
}

function StepRow({ step, n, standing, isOpen, toggle }: { step: Step; n: number; standing: Standing; isOpen: boolean; toggle: () => void }) {
  const say = useWords(words);
  const isDone = standing.done[step];
  return (
    <li data-done={isDone || undefined} data-open={isOpen || undefined}>
      <span className={classes.tick}>
        {isDone ? <IconCheck className="icon" aria-hidden="true" /> : n}
        <span className="hidden">{say(isDone ? "stepDone" : "stepOpen")}</span>
      </span>
      <div className={classes.body}>
        <div className={classes.line}>
          <h2>{say(step)}</h2>
          <Facts step={step} standing={standing} />
          <Button size="compact-xs" variant="subtle" className="end" aria-expanded={isOpen} aria-label={`${say(isOpen ? "hide" : "show")}: ${say(step)}`} onClick={toggle}>
            {say(isOpen ? "hide" : "show")}
          </Button>
        </div>
        {isOpen ? <How step={step} standing={standing} /> : null}
      </div>
    </li>
  );
}

function Facts({ step, standing }: { step: Step; standing: Standing }) {
  const say = useWords(words);
  const names = step === "type" ? standing.types : step === "action" ? standing.actions : [];
  const used = standing.keys.map((one) => one.lastUsedAt ?? null).find((at) => at !== null);
  const facts: Partial<Record<Step, ReactNode>> = {
    type: names.map((one) => one.name).join(", "),
    action: names.map((one) => one.name).join(", "),
    key: standing.keys.length === 0 ? null : used ? say.rich("keyUsed", { when: <Moment at={used} relative /> }) : say("keyUnused"),
    route: standing.done.route ? say("routeDone", { rules: standing.rules, queues: standing.queues }) : null,
  };
  return <span className="dim t13 ell user-text">{facts[step]}</span>;
}

function How({ step, standing }: { step: Step; standing: Standing }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const go = (to: string, label: string) => (
    <div>
      <Button variant={standing.done[step] ? "default" : "filled"} size="xs" onClick={() => void navigate({ to: to as "/queues" })}>
        {label}
      </Button>
    </div>
  );
  const ways: Readonly<Record<Step, ReactNode>> = {
    type: go("/settings/item-types/new", say("typeGo")),
    action: go("/settings/actions/new", say("actionGo")),
    key: go("/settings/keys", say("keyGo")),
    item: <SendItem standing={standing} />,
    route: (
      <>
        {go("/settings/queues", say("queueGo"))}
        <SendReport standing={standing} />
      </>
    ),
    decision: go("/queues", say("decisionGo")),
  };
  return (
    <div className={classes.how}>
      <p className="t13">{say(`${step}Text`)}</p>
      {ways[step]}
    </div>
  );
}

/** The first of the organisation's own, content before what it is in and whom it is by. */
function useType(standing: Standing) {
  const [typeId, setTypeId] = useState<string | null>(null);
  const all = useQuery(itemTypesQuery).data ?? [];
  const type = standing.types.find((one) => one.id === typeId) ?? standing.types.find((one) => one.kind === "CONTENT") ?? standing.types[0];
  // Of one moment: a sample that changes while it is read cannot be compared.
  const [now] = useState(() => new Date().toISOString());
  return { type, setTypeId, all, now };
}

function SendItem({ standing }: { standing: Standing }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const { type, setTypeId, all, now } = useType(standing);
  if (!type) return <p className="dim t13">{say("itemNeeds")}</p>;
  const { item } = standing;
  return (
    <>
      <Select size="xs" className={classes.type} label={say("itemFor")} data={standing.types.map((one) => ({ value: one.id, label: one.name }))} value={type.id} onChange={setTypeId} />
      <RequestSample path="items/async/" body={itemBody(type, all, now)} />
      <div className={classes.live} data-done={item !== null || undefined} role="status">
        <Severity level={item ? "done" : "none"}>{say(item ? "received" : "waiting")}</Severity>
        {item ? (
          <>
            <span className="user-text">{say.rich("receivedAt", { id: item.id, when: <Moment at={item.at} relative /> })}</span>
            <Button size="compact-xs" className="end" onClick={() => void navigate({ to: "/investigate", search: { id: item.id, type: item.typeId } as never })}>
              {say("look")}
            </Button>
          </>
        ) : null}
      </div>
    </>
  );
}

function SendReport({ standing }: { standing: Standing }) {
  const say = useWords(words);
  const { type, all, now } = useType(standing);
  const policy = useQuery(policiesQuery).data?.[0];
  const user = all.find((one) => one.kind === "USER");
  if (!type || !user) return null;
  const body = {
    reporter: { kind: "user", id: "user-2", typeId: user.id },
    reportedAt: now,
    ...(policy ? { reportedForReason: { policyId: policy.id, reason: "Look at this." } } : {}),
    reportedItem: { id: sampleId(type), typeId: type.id, data: dataOf(type, all, now) },
  };
  return (
    <>
      <p className="t13">{say("report")}</p>
      <RequestSample path="report" body={body} />
    </>
  );
}
