/** What a change would make a rule act on; and, where that is more than one person decides, asking a second. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Schema } from "@/api/client";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { calledBy } from "@/session/permission";
import { useWords } from "@/words/words";

import { forecastQuery, propose, proposalsQuery, type Body } from "./proposal";
import { words } from "./proposal-words";
import type { Rule } from "./query";
import { Refused } from "./refused";
import classes from "./rule.module.css";

type Forecast = Schema["ForecastView"];

/** How many items in the next day, and how that is known. */
export function Expected({ forecast, actionIds }: { forecast: Pick<Forecast, "expected" | "basis">; actionIds: readonly string[] }) {
  const say = useWords(words);
  const names = useNames();
  const { expected, basis } = forecast;
  if (expected === null || basis === null) return <p>{say("unknown")}</p>;
  const then = actionIds.map(names.action);
  return (
    <p>
      <b>{say("expected", { count: expected })}</b> {say(`basis_${basis}`)}. {then.length > 0 ? say("then", { actions: then.join(", ") }) : say("thenNothing")}
    </p>
  );
}

interface Props {
  /** As it is now. */
  readonly base: Rule;
  /** As it would be. */
  readonly body: Body;
  readonly asked: () => void;
}

/** Where the change needs nobody: what it would act on, and nothing else. */
export function AskApproval({ base, body, asked }: Props) {
  const say = useWords(words);
  const [note, setNote] = useState("");
  const [seen] = useState(base);
  const { data: forecast, error, refetch } = useQuery(forecastQuery(base.id, body));
  const ask = useMutation({
    mutationFn: () => propose(seen, body, note.trim()),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: proposalsQuery(base.id).queryKey });
      toast(say("isAsked", { name: body.name }));
      asked();
    },
  });
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (!forecast) return <Skeleton lines={2} />;
  const above = forecast.above ?? 0;
  return (
    <div className={classes.ask}>
      <Expected forecast={forecast} actionIds={body.actionIds ?? []} />
      {!forecast.needsApproval ? null : forecast.approvers === 0 ? (
        <>
          <p>{say("needed", { above })}</p>
          <p className="severe">{say("nobody", { above, needs: calledBy("MUTATE_LIVE_RULES") })}</p>
        </>
      ) : (
        <>
          <p>{say("needed", { above })}</p>
          <p className="dim">{say("asked", { count: forecast.approvers })}</p>
          <Writing lines={[2, 6]} size="xs" maxLength={2000} label={say("note")} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
          {ask.error ? <Refused error={ask.error} rule={base} /> : null}
          <Button size="xs" variant="filled" loading={ask.isPending} onClick={() => ask.mutate()}>
            {say("ask")}
          </Button>
        </>
      )}
    </div>
  );
}
