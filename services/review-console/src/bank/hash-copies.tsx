/**
 * Near copies of a hash among what was seen in the last 30 days, and a job for each item.
 *
 * Guarantees: what is put into a queue is what was counted: if there are more by then, review-api
 * refuses, and it is looked for anew; nothing is put without being asked about.
 */
import { Button, Group, MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { useNames } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { absolute, Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { kindOfHash, type HashBank } from "./hash";
import { words } from "./hash-words";

type Copies = Schema["CopiesView"];

export function Copies({ bank }: { bank: HashBank }) {
  const say = useWords(words);
  const [hash, setHash] = useState("");
  const [within, setWithin] = useState<number | "">(31);
  const asked = { hash: hash.trim().toLowerCase(), within: within === "" ? 0 : within };
  const look = useMutation({
    mutationFn: async ({ hash: of, within: bits, had }: { hash: string; within: number; had: Copies | null }) => {
      const found = await take(api.POST("/v1/hash-banks/{bank_id}/copies", { params: { path: { bank_id: bank.id }, query: { limit: 50, cursor: had?.nextCursor } }, body: { hash: of, within: bits, ...(had ? { since: had.since, until: had.until } : {}) } }));
      return had ? { ...found, copies: [...had.copies, ...found.copies] } : found;
    },
  });
  const of = look.variables;
  const why = kindOfHash(hash) === null ? say("lookUpNot") : null;
  return (
    <Part title={say("copies")}>
      <p className="dim t12">{say("copiesHint")}</p>
      <form
        className={classes.fields}
        onSubmit={(event) => {
          event.preventDefault();
          if (why === null) look.mutate({ ...asked, had: null });
        }}
      >
        <TextInput size="xs" className={classes.mono} label={say("lookUpField")} value={hash} onChange={(event) => setHash(event.currentTarget.value)} spellCheck={false} />
        <NumberInput size="xs" label={say("within")} value={within} onChange={(value) => setWithin(typeof value === "number" ? value : "")} min={0} max={31} allowDecimal={false} style={{ maxWidth: 160 }} />
        <span>
          <InertButton why={why} size="xs" type="submit" loading={look.isPending}>
            {say("copiesNow")}
          </InertButton>
        </span>
      </form>
      <div role="status" className={classes.answer}>
        {look.error ? <Problem error={look.error} /> : null}
        {look.data ? <p>{say("copiesFound", { media: look.data.media, items: look.data.items, since: absolute(look.data.since, false) })}</p> : null}
      </div>
      {look.data && look.data.copies.length > 0 && of ? (
        <>
          <Listed of={look.data} more={() => look.mutate({ ...of, had: look.data })} />
          <ToQueue bank={bank} hash={of.hash} within={of.within} found={look.data} again={() => look.mutate({ ...of, had: null })} />
        </>
      ) : null}
    </Part>
  );
}

function Listed({ of, more }: { of: Copies; more: () => void }) {
  const say = useWords(words);
  return (
    <>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ul className={classes.lines} tabIndex={0} aria-label={say("copies")}>
        {of.copies.map((one) => (
          <li key={`${one.submissionId} ${one.field}`}>
            <Severity level={one.distance === 0 ? "high" : "medium"}>{null}</Severity>
            <span>
              <Link to="/investigate" search={{ type: one.item.typeId, id: one.item.id }} className="user-text">
                {one.item.id}
              </Link>{" "}
              <span className="dim">
                {say("copy", { kind: one.kind, field: one.field })} · {one.identical ? say("identical") : say("atDistance", { distance: one.distance, algorithm: "PDQ" })} · <Moment at={one.seenAt} relative />
              </span>
            </span>
          </li>
        ))}
      </ul>
      {of.nextCursor ? (
        <span>
          <Button size="compact-xs" onClick={more}>
            {say("moreCopies")}
          </Button>
        </span>
      ) : null}
    </>
  );
}

interface ToQueueProps {
  readonly bank: HashBank;
  readonly hash: string;
  readonly within: number;
  readonly found: Copies;
  readonly again: () => void;
}

function ToQueue({ bank, hash, within, found, again }: ToQueueProps) {
  const say = useWords(words);
  const names = useNames();
  const [queueId, setQueueId] = useState<string | null>(null);
  const [policyIds, setPolicyIds] = useState<string[]>([]);
  const [notice, setNotice] = useState("");
  const [note, setNote] = useState("");
  const [isAsked, setAsked] = useState(false);
  const queues = names.queues.filter((one) => !one.isAppealsQueue);
  const put = useMutation({
    mutationFn: (queue: string) => take(api.POST("/v1/hash-banks/{bank_id}/copies/jobs", { params: { path: { bank_id: bank.id } }, body: { hash, within, items: found.items, queueId: queue, since: found.since, until: found.until, policyIds, noticedAt: notice === "" ? null : new Date(notice).toISOString(), note: note.trim() || null } })),
    onSuccess: ({ items }) => toast(say("put", { count: items })),
    onError: again,
    onSettled: () => setAsked(false),
  });
  const why = queueId === null ? say("queueNeeded") : null;
  return (
    <div className={classes.fields}>
      <Select size="xs" label={say("toQueue")} value={queueId} onChange={setQueueId} data={queues.map((one) => ({ value: one.id, label: one.name }))} searchable />
      <MultiSelect size="xs" label={say("policiesOf")} value={policyIds} onChange={setPolicyIds} data={names.policies.map(({ id }) => ({ value: id, label: names.policy(id) }))} searchable />
      <TextInput size="xs" type="datetime-local" label={say("noticed")} description={say("noticedHint")} value={notice} onChange={(event) => setNotice(event.currentTarget.value)} />
      <TextInput size="xs" label={say("noteOf")} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      <span>
        <InertButton why={why} size="xs" onClick={() => setAsked(true)}>
          {say("putNow", { count: found.items })}
        </InertButton>
      </span>
      {put.error ? <Problem error={put.error} /> : null}
      <Dialog opened={isAsked && queueId !== null} onClose={() => setAsked(false)} title={say("putTitle", { count: found.items, queue: queueId === null ? "" : names.queue(queueId) })} centered>
        <p className="t13">{say("putText")}</p>
        <Group mt="lg" gap="sm" justify="flex-end">
          <Button data-autofocus onClick={() => setAsked(false)}>
            {say("cancel")}
          </Button>
          <Button variant="filled" loading={put.isPending} onClick={() => (queueId === null ? undefined : put.mutate(queueId))}>
            {say("putNow", { count: found.items })}
          </Button>
        </Group>
      </Dialog>
    </div>
  );
}
