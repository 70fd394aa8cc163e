/** Every delivery, and every address that is delivered to. The filters are the address of the page. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Pane, Problem } from "@/control/state";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { States } from "./deliveries-of";
import classes from "./delivery.module.css";
import { EndpointLine } from "./endpoints";
import { DeliveryList } from "./list";
import { endpointsQuery, type Search } from "./query";
import { words } from "./words";

const route = getRouteApi("/_app/settings/deliveries");

export function DeliveriesPage() {
  const say = useWords(words);
  const names = useNames();
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: Search) => void navigate({ to: "/settings/deliveries", replace: true, search: { ...search, ...change } });
  const actions = names.actions.filter((one) => one.actionType === "CUSTOM_ACTION").map((one) => ({ value: one.id, label: one.name }));
  return (
    <>
      <SettingsHead title={say("title")} />
      <div className={shared.filters}>
        <States value={search.state} choose={(state) => go({ state })} />
        <Select size="xs" className={classes.action} aria-label={say("action")} placeholder={say("anyAction")} data={actions} value={search.action ?? null} onChange={(action) => go({ action: action ?? undefined })} searchable clearable />
      </div>
      <div className={classes.list}>
        <Pane>
          <Health />
        </Pane>
        <Pane>
          <DeliveryList search={search} isOne={false} showAll={() => go({ state: undefined, action: undefined })} />
        </Pane>
      </div>
    </>
  );
}

function Health() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(endpointsQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data || data.length === 0) return null;
  return (
    <section className={classes.health} aria-label={say("health")}>
      {data.map((one) => (
        <EndpointLine key={one.id} endpoint={one} />
      ))}
    </section>
  );
}
