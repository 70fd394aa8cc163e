/** Beside the list: what is to be done with all that are picked, and what became of each. */
import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconAlertCircle, IconX } from "@tabler/icons-react";
import { useRef, useState } from "react";

import { api, take } from "@/api/client";
import { ApiProblem, asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Problem } from "@/control/state";
import { Writing } from "@/control/writing";
import { Keys, useCommand } from "@/key/keys";
import { ActionList } from "@/review/action-list";
import { incompleteIn } from "@/review/effect";
import { acts, componentsOf, enteredOf, missingIn, type Entered, type Missing } from "@/review/entered";
import { offersOf } from "@/review/offers";
import { PolicyField } from "@/review/policy-field";
import { useSession } from "@/session/session";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { batchOf, decideAll, isSameBatch, MOST, tallyOf, undoAll, type Batch, type Body } from "./batch";
import { words } from "./list-words";
import classes from "./queue.module.css";

interface Props {
  readonly queueId: string;
  readonly jobIds: readonly string[];
  /** Of the jobs that the list has shown; those of groups are looked up. */
  readonly typeIds: readonly string[];
  /** What a job is called in the list; null: the list has not shown it. */
  readonly nameOf: (jobId: string) => string | null;
  readonly close: () => void;
  /** These are decided, or left for good: they are picked no longer. */
  readonly done: (jobIds: readonly string[]) => void;
}

const NEEDS = { choice: "choiceNeeded", policy: "policyNeeded", reason: "reasonNeeded", parameter: "parameterNeeded", queue: "choiceNeeded" } as const satisfies Record<Missing, string>;

/** The form stays as it is while more is picked; the result stays until another batch is begun. */
export function BatchPanel({ queueId, jobIds, typeIds, nameOf, close, done }: Props) {
  const say = useWords(words);
  const [batch, setBatch] = useState<Batch | null>(null);
  const [entered, setEntered] = useState<Entered>(() => enteredOf({}));
  const sending = useSending({ told: setBatch, done });
  const chosen = jobIds.slice(0, MOST);
  const again = () => {
    setBatch(null);
    setEntered(enteredOf({}));
  };
  return (
    <>
      <div className={classes.peekhead}>
        <h2 className="ell">{batch ? say("result") : say("decideTitle", { count: chosen.length })}</h2>
        <button type="button" className={`${classes.icon} end`} aria-label={say("close")} onClick={close}>
          <IconX className="icon" aria-hidden="true" />
        </button>
      </div>
      {batch ? (
        <Result batch={batch} nameOf={nameOf} told={setBatch} sending={sending} picked={chosen.length} again={again} />
      ) : (
        <Form queueId={queueId} jobIds={chosen} isCut={jobIds.length > MOST} typeIds={typeIds} entered={entered} enter={setEntered} sending={sending} />
      )}
    </>
  );
}

interface Sending {
  readonly isBusy: boolean;
  readonly problem: ApiProblem | null;
  readonly send: (what: string, body: Omit<Body, "id">) => void;
  /** The same once more, which goes on where it stopped. */
  readonly again: () => void;
}

function useSending({ told, done }: { told: (batch: Batch) => void; done: Props["done"] }): Sending {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const last = useRef<{ what: string; body: Body } | null>(null);
  const run = (what: string, body: Body) => {
    if (isBusy) return;
    last.current = { what, body };
    setBusy(true);
    setProblem(null);
    decideAll(what, body, told)
      .then((batch) => done(batch.jobs.map((one) => one.jobId)))
      .catch((error: unknown) => setProblem(asProblem(error) ?? new ApiProblem("internal", 0)))
      .finally(() => {
        setBusy(false);
        renew();
      });
  };
  const send = (what: string, asked: Omit<Body, "id">) => {
    const made = batchOf(asked);
    const before = last.current?.body;
    run(what, problem && before && isSameBatch(before, made) ? before : made);
  };
  const again = () => {
    if (last.current) run(last.current.what, last.current.body);
  };
  return { isBusy, problem, send, again };
}

/** The types of what is picked; of a group's jobs one is looked at. */
function useTypes(typeIds: readonly string[], jobIds: readonly string[]): readonly string[] {
  const [first] = jobIds;
  const { data } = useQuery({
    queryKey: ["job", first ?? "", "type"],
    enabled: typeIds.length === 0 && first !== undefined,
    queryFn: async ({ signal }) => (await take(api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: first ?? "" } }, signal }))).itemTypeId,
  });
  return typeIds.length > 0 ? typeIds : data ? [data] : [];
}

function renew(): void {
  for (const key of ["queue-counts", "queue-list"]) void queries.invalidateQueries({ queryKey: [key] });
}

interface FormProps {
  readonly queueId: string;
  readonly jobIds: readonly string[];
  readonly isCut: boolean;
  readonly typeIds: readonly string[];
  readonly entered: Entered;
  readonly enter: (next: Entered) => void;
  readonly sending: Sending;
}

function Form({ queueId, jobIds, isCut, typeIds, entered, enter, sending }: FormProps) {
  const say = useWords(words);
  const names = useNames();
  const { org } = useSession();
  const types = useTypes(typeIds, jobIds);
  const offers = offersOf(types, queueId, names, org);
  const [tried, setTried] = useState(false);
  const missing = missingIn(entered, offers.rules, false, incompleteIn(entered, names.actions));
  const faultOf = (field: Missing) => (tried && missing.includes(field) ? say(NEEDS[field]) : null);
  const none = jobIds.length === 0;
  const inert = none || missing.length > 0;
  const submit = () => {
    if (inert) return setTried(true);
    const components = componentsOf(entered) as Body["components"];
    return sending.send(say("decideTitle", { count: jobIds.length }), { jobIds: [...jobIds], components, reason: entered.reason.trim() || null });
  };
  useCommand({ id: "queue.submitBatch", scope: "list", keys: "Mod+Enter", anywhere: true, label: say("submit", { count: jobIds.length }), run: submit });
  const needed = entered.verdict === "IGNORE" ? offers.rules.reasonRequiredOnIgnore : offers.rules.reasonRequired;
  return (
    <>
      <div className={classes.peekbody}>
        {isCut ? <p className={`${classes.part} t12`}>{say("tooMany", { most: MOST })}</p> : null}
        <div className={classes.form}>
          <ActionList context={{ job: { kind: "DEFAULT" }, author: null }} offers={offers} names={names} entered={entered} enter={enter} fault={faultOf("choice") ?? faultOf("parameter")} />
          {acts(entered) ? <PolicyField names={names} entered={entered} enter={enter} rules={offers.rules} fault={faultOf("policy")} suggested={[]} /> : null}
          <div className={classes.reason}>
            <Writing label={`${say("reason")} (${say(needed ? "needed" : "optional")})`} lines={[2, 6]} maxLength={5000} value={entered.reason} error={faultOf("reason")} onChange={(event) => enter({ ...entered, reason: event.currentTarget.value })} />
          </div>
          {sending.problem ? <Problem error={sending.problem} again={submit} /> : null}
        </div>
      </div>
      <div className={classes.foot}>
        <p className="dim t12">{none ? say("nonePicked") : missing.length > 0 ? say(NEEDS[missing[0] ?? "choice"]) : say("willDo", { count: jobIds.length })}</p>
        <Button fullWidth h={36} variant={inert ? "default" : "filled"} aria-disabled={inert} loading={sending.isBusy} onClick={submit} rightSection={<Keys of="queue.submitBatch" fallback="Mod+Enter" />}>
          {say("submit", { count: jobIds.length })}
        </Button>
      </div>
    </>
  );
}

interface ResultProps {
  readonly batch: Batch;
  readonly nameOf: Props["nameOf"];
  readonly told: (batch: Batch) => void;
  readonly sending: Sending;
  /** How many are picked for another one. */
  readonly picked: number;
  readonly again: () => void;
}

function Result({ batch, nameOf, told, sending, picked, again }: ResultProps) {
  const say = useWords(words);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const mayUndo = !sending.isBusy && batch.undoneAt === null && batch.jobs.some((one) => one.state === "DECIDED");
  const undo = () => {
    if (!mayUndo || busy) return;
    setBusy(true);
    undoAll(batch.id)
      .then(told)
      .catch((error: unknown) => setProblem(asProblem(error) ?? new ApiProblem("internal", 0)))
      .finally(() => {
        setBusy(false);
        renew();
      });
  };
  useCommand({ id: "queue.undoBatch", scope: "list", keys: "Z", label: say("undoKey"), enabled: mayUndo, run: undo });
  const done = batch.jobs.filter((one) => one.state !== "WAITING").length;
  const others = batch.jobs.filter((one) => one.state !== "DECIDED" && one.state !== "UNDONE");
  return (
    <>
      <div className={classes.peekbody}>
        <div className={classes.part} role="status">
          {done < batch.jobs.length ? <Progress value={(done / batch.jobs.length) * 100} aria-label={say("progress", { done, count: batch.jobs.length })} /> : null}
          <ul className="t13">
            {tallyOf(batch).map(([state, count]) => (
              <li key={state}>{say(state, { count })}</li>
            ))}
          </ul>
        </div>
        {sending.problem ? <Problem error={sending.problem} again={sending.again} /> : null}
        {problem ? <Problem error={problem} again={undo} /> : null}
        {others.length > 0 ? (
          <ul className={`${classes.part} t13`}>
            {others.map((one) => (
              <li key={one.jobId} className={classes.left}>
                <IconAlertCircle size={14} aria-hidden="true" />
                <span className="ell">{say(one.state, { count: 1 })}</span>
                <Link to="/jobs/$jobId" params={{ jobId: one.jobId }} className="ell user-text" dir="auto">
                  <Called name={nameOf(one.jobId)} />
                </Link>
                {one.reason ? <span className={`dim t12 ${classes.why}`}>{one.reason}</span> : null}
              </li>
            ))}
          </ul>
        ) : null}
      </div>
      {mayUndo || (picked > 0 && !sending.isBusy) ? (
        <div className={classes.foot}>
          {mayUndo ? (
            <Button fullWidth h={36} loading={busy} onClick={undo} rightSection={<Keys of="queue.undoBatch" fallback="Z" />}>
              {say("undo")}
            </Button>
          ) : null}
          {picked > 0 && !sending.isBusy ? (
            <Button fullWidth h={36} variant="filled" onClick={again}>
              {say("decideTitle", { count: picked })}
            </Button>
          ) : null}
        </div>
      ) : null}
    </>
  );
}

/** By its words, veiled like those of the list. */
function Called({ name }: { name: string | null }) {
  const say = useWords(words);
  return name === null ? say("openIt") : <VeiledWords>{name}</VeiledWords>;
}
