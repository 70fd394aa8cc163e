/** Beside the log: the entry under the cursor; its effects, what it was about, and how to take it back. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Names } from "@/configuration/names";
import { IdChip } from "@/control/id-chip";
import { Pane, Problem, Skeleton } from "@/control/state";
import { fieldsOf, Glance, nameOf, type Media } from "@/item/glance";
import { Written } from "@/key/keys";
import { built } from "@/shell/navigation";
import { usePermission } from "@/session/session";
import { absolute, useNow, useSpan } from "@/time/moment";
import { WordsBar } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { By, DecisionTitle } from "./columns";
import classes from "./decision-log.module.css";
import { Effects } from "./effects";
import { Golden } from "./golden";
import { policiesOf, type Entry } from "./log";
import { Reverse } from "./reverse";
import { words } from "./words";

interface Props {
  readonly entry: Entry;
  readonly names: Names;
  readonly close: () => void;
}

export function DecisionPeek({ entry, names, close }: Props) {
  const say = useWords(words);
  const isLead = usePermission("EDIT_MRT_QUEUES");
  return (
    <>
      <div className={classes.peekhead}>
        <h2 className="ell row">
          <DecisionTitle entry={entry} names={names} />
        </h2>
        <IdChip id={entry.id} />
        <span className="end row g4">
          <Written keys="J" />
          <Written keys="K" />
          <button type="button" className={classes.icon} aria-label={say("closePeek")} onClick={close}>
            <IconX className="icon" aria-hidden="true" />
          </button>
        </span>
      </div>
      <WordsBar />
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.peekbody} tabIndex={0} role="region" aria-label={say("columnDecision")}>
        <div className={classes.part}>
          <Facts entry={entry} names={names} />
        </div>
        {entry.itemId && entry.itemTypeId ? (
          <Pane>
            <AsItWas entry={entry} names={names} typeId={entry.itemTypeId} itemId={entry.itemId} />
          </Pane>
        ) : null}
        {isLead && entry.kind === "DECISION" && entry.source === "MRT_JOB" && entry.undoneAt === null ? (
          <Pane>
            <Golden key={entry.id} entry={entry} />
          </Pane>
        ) : null}
        <Pane>
          <Reverse key={entry.id} entry={entry} names={names} />
        </Pane>
      </div>
    </>
  );
}

function Facts({ entry, names }: Pick<Props, "entry" | "names">) {
  const say = useWords(words);
  const span = useSpan();
  const ago = span(useNow(30) - Date.parse(entry.time));
  const policies = policiesOf(entry).map(names.policy);
  return (
    <dl className={classes.facts}>
      <Fact name={say("by")}>
        <By entry={entry} names={names} />
      </Fact>
      <Fact name={say("whenFact")}>
        {say("whenAgo", { time: absolute(entry.time), span: ago })}
      </Fact>
      {entry.queueId ? (
        <Fact name={say("queue")}>
          <Link to="/queues" search={{ peek: entry.queueId }} className="user-text">
            {names.queue(entry.queueId)}
          </Link>
        </Fact>
      ) : null}
      {policies.length > 0 ? <Fact name={say("policy")}>{policies.join(", ")}</Fact> : null}
      {entry.ruleIds.length > 0 ? <Fact name={say("rule")}>{entry.ruleIds.map(names.rule).join(", ")}</Fact> : null}
      {entry.reason ? <Fact name={say("reasonFact")}>{entry.reason}</Fact> : null}
      {entry.note ? <Fact name={say("noteFact")}>{entry.note}</Fact> : null}
      <Fact name={say("effects")}>
        <Effects entry={entry} names={names} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="user-text">{children}</dd>
    </>
  );
}

interface Was {
  readonly data: Readonly<Record<string, unknown>>;
  readonly creator: Schema["ItemRef"] | null | undefined;
  readonly media: Media;
}

/** Of a decision on a job what its job kept; of anything else the item as it is now. */
function useItem(entry: Entry, typeId: string, itemId: string) {
  const jobId = entry.jobId;
  return useQuery({
    queryKey: ["decided-item", jobId, typeId, itemId],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Was> => {
      if (jobId !== null) {
        const { payload } = await take(api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: jobId } }, signal }));
        return { data: fieldsOf(payload.item.data), creator: payload.item.creator, media: payload.media ?? [] };
      }
      const found = await take(api.GET("/v1/items/{type_id}/{item_id}", { params: { path: { type_id: typeId, item_id: itemId } }, signal }));
      return { data: found.data, creator: found.creator, media: found.media };
    },
  });
}

function AsItWas({ entry, names, typeId, itemId }: Pick<Props, "entry" | "names"> & { typeId: string; itemId: string }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const type = names.itemTypes.find((one) => one.id === typeId);
  const investigates = usePermission("VIEW_INVESTIGATION") && built().has("/investigate");
  const { data, error, isPending, refetch } = useItem(entry, typeId, itemId);
  const title = say(entry.jobId ? "itemAsItWas" : "itemNow", { type: names.itemType(typeId) });
  const openJob = entry.jobId && built().has("/jobs") ? () => void navigate({ to: `/jobs/${entry.jobId ?? ""}` as "/queues" }) : null;
  const user = data?.creator ?? null;
  return (
    <section className={classes.part}>
      <h3>
        {title}
        <span className="end row g8">
          {investigates ? (
            <Button size="compact-sm" onClick={() => void navigate({ to: `/investigate?type=${encodeURIComponent(typeId)}&id=${encodeURIComponent(itemId)}` as "/queues" })}>
              {say("investigate")}
            </Button>
          ) : null}
          {openJob ? (
            <Button size="compact-sm" onClick={openJob} rightSection={<Written keys="Enter" />}>
              {say("openJob")}
            </Button>
          ) : null}
        </span>
      </h3>
      {error ? asProblem(error)?.status === 404 ? <p className="dim t13">{say("gone")}</p> : <Problem error={error} again={() => void refetch()} /> : null}
      {isPending ? <Skeleton lines={3} /> : null}
      {data ? (
        <>
          <p className="t12 dim row g8">
            {type?.kind === "USER" ? <b className="user-text">{nameOf(data.data, type) ?? itemId}</b> : null}
            <IdChip id={itemId} />
            {user ? (
              <span className="row g4">
                {names.itemType(user.typeId)}
                <IdChip id={user.id} />
              </span>
            ) : null}
          </p>
          <Glance data={data.data} type={type} media={data.media} isGrave={entry.csam} />
        </>
      ) : null}
    </section>
  );
}
