/**
 * Which queue jobs about child safety go to: one of the organisation's settings, chosen where the others
 * of reporting are.
 *
 * Guarantees: kept as soon as it is chosen; nothing else of the organisation's settings is changed, and
 * what somebody changed meanwhile is never written over unseen (If-Match).
 */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { queuesQuery } from "@/configuration/query";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { settingsQuery, settingsWith } from "@/wellness/organisation";
import type { Choice } from "@/wellness/wellness";
import { useWords } from "@/words/words";

import { words } from "./ncmec-words";

async function keepQueue(queueId: string | null): Promise<void> {
  const settings = await queries.ensureQueryData(settingsQuery);
  const body = { ...settingsWith(settings, settings.defaultWellness as Choice), ncmecQueueId: queueId };
  const changed = await take(api.PUT("/v1/settings", { params: { header: { "If-Match": `"${settings.revision}"` } }, body }));
  queries.setQueryData(settingsQuery.queryKey, changed);
  // Whether jobs can be reported is said with the session.
  await queries.invalidateQueries({ queryKey: ["session"] });
}

export function NcmecQueue({ id }: { id: string }) {
  const say = useWords(words);
  const settings = useQuery(settingsQuery);
  const queues = (useQuery(queuesQuery).data ?? []).filter((one) => !one.isAppealsQueue);
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const choose = (queueId: string | null) => {
    if (chosen !== undefined) return;
    setChosen(queueId);
    setError(null);
    keepQueue(queueId)
      .then(() => toast(say("queueKept", { queue: queues.find((one) => one.id === queueId)?.name ?? say("noneChosen") })))
      .catch((refused: unknown) => {
        setError(refused);
        void settings.refetch();
      })
      .finally(() => setChosen(undefined));
  };
  const kept = settings.data?.ncmecQueueId ?? null;
  return (
    <>
      <Select id={id} size="sm" clearable allowDeselect={false} disabled={!settings.data} placeholder={say("noneChosen")} data={queues.map((one) => ({ value: one.id, label: one.name }))} value={chosen === undefined ? kept : chosen} onChange={choose} />
      {error || settings.error ? <Problem error={error ?? settings.error} /> : null}
    </>
  );
}
