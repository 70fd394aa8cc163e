/** What is in a queue: how much, closing it in one's own name, and removing the queue so that its jobs go on. */
import { Button, Group, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { ifMatch } from "@/settings/documents";
import { Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { contentsQuery, type Queue } from "./form";
import { words } from "./form-words";
import own from "./form.module.css";

export function Contents({ queue }: { queue: Queue }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(contentsQuery(queue.id));
  const [isEmptying, setEmptying] = useState(false);
  return (
    <Part
      title={say("contents")}
      tools={
        data && data.closable > 0 ? (
          <Button size="compact-xs" onClick={() => setEmptying(true)}>
            {say("empty")}
          </Button>
        ) : null
      }
    >
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton lines={2} /> : null}
      {data ? (
        <dl className={own.facts}>
          <dt>{say("pending")}</dt>
          <dd className="num">{data.pending.toLocaleString()}</dd>
          <dt>{say("leased")}</dt>
          <dd className="num">{data.leased.toLocaleString()}</dd>
          {data.childSafety ? (
            <>
              <dt>{say("childSafety")}</dt>
              <dd className="num">{data.childSafety.toLocaleString()}</dd>
            </>
          ) : null}
          <dt>{say("closable")}</dt>
          <dd className="num">{data.closable.toLocaleString()}</dd>
        </dl>
      ) : null}
      {isEmptying && data ? <EmptyDialog queue={queue} closable={data.closable} asOf={data.asOf} close={() => setEmptying(false)} /> : null}
    </Part>
  );
}

/** One thing at a time; what was refused is said in the dialog. */
function useWork(after: () => void) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      for (const key of ["queue-counts", "configuration"]) void queries.invalidateQueries({ queryKey: [key] });
      after();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, error };
}

function EmptyDialog({ queue, closable, asOf, close }: { queue: Queue; closable: number; asOf: string; close: () => void }) {
  const say = useWords(words);
  const [reason, setReason] = useState("");
  const { run, isBusy, error } = useWork(close);
  const empty = () =>
    run(async () => {
      await take(api.POST("/v1/queues/{queue_id}/empty", { params: { path: { queue_id: queue.id } }, body: { closable, asOf, reason: reason.trim() || null } }));
      toast(say("emptied", { count: closable }));
    });
  return (
    <Dialog opened onClose={close} title={say("emptyQueueTitle", { name: queue.name })} centered>
      <div className={classes.once}>
        <p className="t13">{say("emptyQueueText", { count: closable })}</p>
        <Writing lines={[2, 6]} label={say("emptyReason")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button data-autofocus onClick={close}>
            {say("keep")}
          </Button>
          <Button variant="filled" className={classes.final} loading={isBusy} onClick={() => void empty()}>
            {say("emptyNow", { count: closable })}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}

export function RemoveQueue({ queue, done }: { queue: Queue; done: () => void }) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("remove")}
      </Button>
      {isOpen ? <RemoveDialog queue={queue} close={() => setOpen(false)} done={done} /> : null}
    </>
  );
}

function RemoveDialog({ queue, close, done }: { queue: Queue; close: () => void; done: () => void }) {
  const say = useWords(words);
  const { queues } = useNames();
  const { data, error: unread } = useQuery({ ...contentsQuery(queue.id), staleTime: 0 });
  const [moveTo, setMoveTo] = useState<string | null>(null);
  const { run, isBusy, error } = useWork(done);
  const others = queues.filter((one) => one.id !== queue.id && (one.isAppealsQueue ?? false) === (queue.isAppealsQueue ?? false));
  const remove = () =>
    run(async () => {
      await take(api.DELETE("/v1/queues/{document_id}", { params: { path: { document_id: queue.id }, query: { moveTo: moveTo ?? undefined }, header: ifMatch(queue.revision) } }));
      toast(say("removed", { name: queue.name }));
    });
  const isUsed = (data?.usedBy.length ?? 0) > 0;
  return (
    <Dialog opened onClose={close} title={say("removeTitle", { name: queue.name })} centered>
      <div className={classes.once}>
        {unread ? <Problem error={unread} /> : null}
        {!data && !unread ? <Skeleton lines={2} /> : null}
        {data && isUsed ? (
          <>
            <p className="t13">{say("removeUsed")}</p>
            <ul className={classes.used}>
              {data.usedBy.map((one) => (
                <li key={one} className="user-text">
                  {one}
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {data && !isUsed ? (
          <>
            <p className="t13">{say("removeText", { count: data.pending })}</p>
            {data.pending > 0 ? <Select label={say("moveTo")} placeholder={say("moveToDefault")} clearable data={others.map((one) => ({ value: one.id, label: one.name }))} value={moveTo} onChange={setMoveTo} /> : null}
          </>
        ) : null}
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button data-autofocus onClick={close}>
            {say("keep")}
          </Button>
          {data && !isUsed ? (
            <Button variant="filled" className={classes.final} loading={isBusy} onClick={() => void remove()}>
              {say("removeNow")}
            </Button>
          ) : null}
        </Group>
      </div>
    </Dialog>
  );
}
