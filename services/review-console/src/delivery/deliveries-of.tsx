/** What became of an action's requests: its address' health, and its deliveries. */
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Pane, Problem } from "@/control/state";
import { useWords } from "@/words/words";

import classes from "./delivery.module.css";
import { EndpointLine } from "./endpoints";
import { DeliveryList } from "./list";
import { endpointsQuery, STATES, type Search } from "./query";
import { words } from "./words";

export function DeliveriesOf({ actionId }: { actionId: string }) {
  const say = useWords(words);
  const [state, setState] = useState<Search["state"]>(undefined);
  const { data, error, refetch } = useQuery(endpointsQuery);
  const mine = data?.filter((one) => one.actionIds.includes(actionId)) ?? [];
  return (
    <>
      <section className={classes.health} aria-label={say("health")}>
        {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
        {mine.map((one) => (
          <EndpointLine key={one.id} endpoint={one} actionId={actionId} />
        ))}
        <div className={classes.bar}>
          <h2>{say("title")}</h2>
          <States value={state} choose={setState} />
        </div>
      </section>
      <Pane>
        <DeliveryList search={{ state, action: actionId }} isOne showAll={() => setState(undefined)} />
      </Pane>
    </>
  );
}

export function States({ value, choose }: { value: Search["state"]; choose: (state: Search["state"]) => void }) {
  const say = useWords(words);
  const data = [{ value: "", label: say("all") }, ...STATES.map((one) => ({ value: one as string, label: say(one) }))];
  return <SegmentedControl size="xs" aria-label={say("state")} value={value ?? ""} data={data} onChange={(next) => choose(next === "" ? undefined : (next as Search["state"]))} />;
}
