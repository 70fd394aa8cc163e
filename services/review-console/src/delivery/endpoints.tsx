/** The health of an address that is delivered to, and the switch that holds it back. */
import { Button, Group } from "@mantine/core";
import { useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { sentenceOf } from "@/control/sentence";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { Severity, type Level } from "@/look/severity";
import { Moment } from "@/time/moment";
import { languageTag, useWords } from "@/words/words";

import classes from "./delivery.module.css";
import type { Endpoint } from "./query";
import { words } from "./words";

const LEVEL: Readonly<Record<Endpoint["state"], Level>> = { CLOSED: "done", OPEN: "severe", HALF_OPEN: "high", PAUSED: "medium" };

export function EndpointLine({ endpoint, actionId }: { endpoint: Endpoint; actionId?: string }) {
  const say = useWords(words);
  const names = useNames();
  const [isAsking, setAsking] = useState(false);
  const { successRate: rate } = endpoint;
  const percent = rate === null ? null : new Intl.NumberFormat(languageTag(), { style: "percent", maximumFractionDigits: 1 }).format(rate);
  const done = () => queries.invalidateQueries({ queryKey: ["deliveries"] });
  const run = async (asked: Promise<unknown>) => {
    try {
      await asked;
      await done();
    } catch (refused) {
      const problem = asProblem(refused);
      if (!problem) throw refused;
      toast(sentenceOf(problem));
    }
  };
  const path = { params: { path: { endpoint_id: endpoint.id } } };
  const resume = () => run(take(api.POST("/v1/endpoints/{endpoint_id}/resume", path)));
  const again = () =>
    run(
      take(api.POST("/v1/deliveries/redeliver", { body: { endpointId: endpoint.id, actionId } })).then(({ count, more }) => {
        toast(say("sentAllAgain", { count, more: String(more) }));
      }),
    );
  return (
    <div className={classes.endpoint}>
      <b className="user-text">{endpoint.name}</b>
      {actionId === undefined ? <span className="dim user-text">{endpoint.actionIds.map(names.action).join(", ")}</span> : null}
      <Severity level={LEVEL[endpoint.state]}>{say(endpoint.state)}</Severity>
      {endpoint.failingSince ? <span className="dim">{say.rich("failingSince", { when: <Moment at={endpoint.failingSince} dated /> })}</span> : null}
      <span className="end row g8">
        {endpoint.dead > 0 ? (
          <Button size="compact-xs" onClick={() => void again()}>
            {say("sendAllAgain", { count: endpoint.dead })}
          </Button>
        ) : null}
        <Button size="compact-xs" onClick={() => (endpoint.state === "PAUSED" ? void resume() : setAsking(true))}>
          {say(endpoint.state === "PAUSED" ? "resume" : "pause")}
        </Button>
      </span>
      <p className="dim t12">
        {endpoint.attempts === 0 ? say("unused") : [percent === null ? null : say("rate", { percent }), endpoint.p95Ms === null ? null : say("p95", { ms: Math.round(endpoint.p95Ms) }), say("in24")].filter((one) => one !== null).join(" · ")}
        {" · "}
        {say("waits", { count: endpoint.waiting })}
        {endpoint.dead > 0 ? ` · ${say("dead", { count: endpoint.dead })}` : null}
      </p>
      {endpoint.lastError && endpoint.state !== "CLOSED" ? <p className="t12 user-text">{endpoint.lastError}</p> : null}
      {endpoint.state === "PAUSED" ? <p className="t12 user-text">{say("pausedBy", { name: endpoint.pausedByPerson?.name ?? "", reason: endpoint.pauseReason ?? "" })}</p> : null}
      {isAsking ? <PauseDialog endpoint={endpoint} close={() => setAsking(false)} done={done} /> : null}
    </div>
  );
}

function PauseDialog({ endpoint, close, done }: { endpoint: Endpoint; close: () => void; done: () => Promise<unknown> }) {
  const say = useWords(words);
  const [reason, setReason] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [isMissing, setMissing] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const pause = async () => {
    if (reason.trim() === "") {
      setMissing(true);
      return;
    }
    setBusy(true);
    try {
      await take(api.POST("/v1/endpoints/{endpoint_id}/pause", { params: { path: { endpoint_id: endpoint.id } }, body: { reason: reason.trim() } }));
      await done();
      close();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={close} title={say("pauseTitle", { name: endpoint.name })} centered>
      <p className="t13">{say("pauseText")}</p>
      <Writing data-autofocus lines={[2, 6]} mt="sm" size="sm" label={say("pauseReason")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} error={isMissing && reason.trim() === "" ? say("pauseNeeds") : null} />
      {error ? <Problem error={error} /> : null}
      <Group mt="lg" gap="sm" justify="flex-end">
        <Button onClick={close}>{say("keepOn")}</Button>
        <Button variant="filled" loading={isBusy} onClick={() => void pause()}>
          {say("pause")}
        </Button>
      </Group>
    </Dialog>
  );
}
