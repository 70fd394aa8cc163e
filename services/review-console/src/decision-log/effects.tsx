/** What an entry caused, and whether the platform has done it. */
import { useQuery } from "@tanstack/react-query";
import { IconClock } from "@tabler/icons-react";

import { api, take, type Schema } from "@/api/client";
import type { Names } from "@/configuration/names";
import { useSession } from "@/session/session";
import { Glyph } from "@/look/severity";
import { Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { secondsLeft } from "./columns";
import classes from "./decision-log.module.css";
import { setOff, type Entry } from "./log";
import { words } from "./words";

type Delivery = Schema["DeliveryMoment"];

const UNSETTLED_MS = 5000;

/** By execution. Of decisions on jobs their reviewers may see it; of the rest who investigates. */
function useDeliveries(entry: Entry): ReadonlyMap<string, Delivery> | null {
  const { permissions } = useSession();
  const { jobId, itemId, itemTypeId } = entry;
  const mayInvestigate = permissions.includes("VIEW_INVESTIGATION") && itemId !== null && itemTypeId !== null;
  const { data } = useQuery({
    queryKey: ["effects", entry.id],
    retry: false,
    enabled: entry.executions.length > 0 && (jobId !== null || mayInvestigate),
    queryFn: async ({ signal }) => {
      const query = { kind: ["DELIVERY" as const], limit: 100 };
      const page =
        jobId !== null
          ? await take(api.GET("/v1/jobs/{job_id}/timeline", { params: { path: { job_id: jobId }, query }, signal }))
          : await take(api.GET("/v1/items/{type_id}/{item_id}/timeline", { params: { path: { type_id: itemTypeId ?? "", item_id: itemId ?? "" }, query }, signal }));
      return page.items.filter((one): one is Delivery => one.kind === "DELIVERY");
    },
    // What is on its way ends soon.
    refetchInterval: ({ state }) => (state.data && entry.executions.some((one) => !state.data?.some((ended) => ended.id === one.executionId && ended.state !== "PENDING")) && state.dataUpdateCount < 12 ? UNSETTLED_MS : false),
  });
  return data ? new Map(data.map((one) => [one.id, one])) : null;
}

export function Effects({ entry, names }: { entry: Entry; names: Names }) {
  const say = useWords(words);
  const deliveries = useDeliveries(entry);
  if (entry.total !== null) return <Bulk id={entry.id} />;
  const set = setOff(entry, names, say);
  if (entry.executions.length === 0 && set.length === 0) return <span className="dim">{say("noEffect")}</span>;
  return (
    <ul>
      {set.map((text) => (
        <li key={text} className={classes.effect}>
          <Glyph level="done" />
          <span className="user-text">{text}</span>
        </li>
      ))}
      {entry.executions.map((one) => (
        <Effect key={one.executionId} entry={entry} name={names.action(one.actionId)} item={one.item?.id ?? null} delivery={deliveries?.get(one.executionId) ?? null} isKnown={deliveries !== null} />
      ))}
    </ul>
  );
}

interface EffectProps {
  readonly entry: Entry;
  readonly name: string;
  readonly item: string | null;
  readonly delivery: Delivery | null;
  readonly isKnown: boolean;
}

function Effect({ entry, name, item, delivery, isKnown }: EffectProps) {
  const say = useWords(words);
  const left = secondsLeft(entry, useNow(1));
  const what = item ? `${name} · ${item}` : name;
  if (delivery?.state === "DELIVERED") {
    return (
      <li className={classes.effect}>
        <Glyph level="done" />
        <span className="ell user-text" title={what}>
          {what}
        </span>
        <span className="end dim">
          {say("delivered")} <Moment at={delivery.endedAt ?? delivery.time} />
        </span>
      </li>
    );
  }
  if (delivery && (delivery.state === "DEAD" || delivery.attempts > 0)) {
    return (
      <li className={classes.effect}>
        <Glyph level={delivery.state === "DEAD" ? "severe" : "high"} />
        <span className={`user-text ${delivery.state === "DEAD" ? "severe" : "high"}`} title={delivery.error ?? undefined}>
          {say(delivery.state === "DEAD" ? "dead" : "tries", { what, count: delivery.attempts })}
        </span>
      </li>
    );
  }
  const state = left > 0 ? say("held", { seconds: left }) : isKnown ? say("pending") : say("unknown");
  return (
    <li className={classes.effect}>
      <IconClock size={12} className="dim" aria-hidden="true" />
      <span className="ell user-text">{what}</span>
      <span className="end dim">{entry.undoneAt ? say("undone") : state}</span>
    </li>
  );
}

function Bulk({ id }: { id: string }) {
  const say = useWords(words);
  const { data } = useQuery({
    queryKey: ["bulk-action", id],
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/bulk-actions/{bulk_id}", { params: { path: { bulk_id: id } }, signal })),
  });
  return <span className={data ? undefined : "dim"}>{data ? say("items", { requested: data.requested, total: data.total, refused: data.refused }) : say("unknown")}</span>;
}
