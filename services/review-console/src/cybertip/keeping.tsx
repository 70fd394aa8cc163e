/**
 * How long a report's evidence is kept, what holds it, and its destruction by two people.
 *
 * Guarantees: what cannot be taken back is said in words, and confirmed by the report's number, typed; who
 * asked for it is not offered to confirm it; every answer shows what became of it.
 */
import { Button, Radio, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { z } from "zod/mini";

import { api, take } from "@/api/client";
import { asProblem, type ApiProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm, type ProblemForm } from "@/form/use-problem-form";
import { useSession } from "@/session/session";
import { endOfDay } from "@/time/day";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { words } from "./keeping-words";
import { tipQuery, type Details, type Tip } from "./query";

const MOST = 1000;

/** What the report is called where it is confirmed: NCMEC's number, or ours before there is one. */
export function numberOf(tip: Tip): string {
  return tip.reportId ?? tip.id.slice(0, 8);
}

function isAhead(day: string): boolean {
  return Date.parse(endOfDay(day)) > Date.now();
}

export function Keeping({ tip }: { tip: Tip }) {
  const say = useWords(words);
  const [open, setOpen] = useState<"hold" | "ask" | null>(null);
  const { hold, destroyedAt, destruction } = tip;
  const isAsked = destruction?.state === "ASKED";
  return (
    <section className={classes.part} aria-label={say("title")}>
      <h2>{say("title")}</h2>
      {destroyedAt ? (
        <p className="t13">{say("destroyed", { date: absolute(destroyedAt, false) })}</p>
      ) : (
        <dl className={classes.kv}>
          <dt>{say("until")}</dt>
          <dd>
            {tip.keepUntil ? absolute(tip.keepUntil, false) : <span className="dim">{say("notYet")}</span>} {tip.isDue ? <span className="dim">{say("due")}</span> : null}
          </dd>
          {hold ? (
            <>
              <dt>{say("held")}</dt>
              <dd>
                <p className="user-text">{hold.reason}</p>
                <p className="dim t12">{say("heldBy", { name: hold.placedByPerson?.name ?? say("someone"), until: hold.until ? absolute(hold.until, false) : "none" })}</p>
              </dd>
            </>
          ) : null}
        </dl>
      )}
      <Asked tip={tip} />
      {destroyedAt ? null : (
        <div className="row g8 wrap">
          <Button size="xs" onClick={() => setOpen("hold")}>
            {say(hold ? "holdOther" : "hold")}
          </Button>
          {hold ? <Lift tip={tip} /> : null}
          {hold || isAsked ? null : (
            <Button size="xs" variant="subtle" onClick={() => setOpen("ask")}>
              {say("ask")}
            </Button>
          )}
        </div>
      )}
      {open === "hold" ? <HoldDialog tip={tip} close={() => setOpen(null)} /> : null}
      {open === "ask" ? <AskDialog tip={tip} close={() => setOpen(null)} /> : null}
    </section>
  );
}

function changed(next: Details): void {
  queries.setQueryData(tipQuery(next.cybertip.id).queryKey, next);
  void queries.invalidateQueries({ queryKey: ["cybertips"] });
  void queries.invalidateQueries({ queryKey: ["cybertip-looks", next.cybertip.id] });
}

/** One press, once; what was refused is said beside it. */
function useAct(): { run: (work: () => Promise<Details>, done: string) => void; sending: boolean; problem: ApiProblem | null } {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const run = (work: () => Promise<Details>, done: string) => {
    setSending(true);
    setProblem(null);
    work()
      .then((next) => {
        changed(next);
        toast(done);
      })
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => setSending(false));
  };
  return { run, sending, problem };
}

const place = (tip: Tip) => ({ params: { path: { cybertip_id: tip.id } } });

function Lift({ tip }: { tip: Tip }) {
  const say = useWords(words);
  const { run, sending, problem } = useAct();
  return (
    <>
      <Button size="xs" variant="subtle" loading={sending} onClick={() => run(() => take(api.DELETE("/v1/cybertips/{cybertip_id}/hold", place(tip))), say("lifted"))}>
        {say("lift")}
      </Button>
      {problem ? <Problem error={problem} /> : null}
    </>
  );
}

/** What somebody asked for, and the other person's answer. */
function Asked({ tip }: { tip: Tip }) {
  const say = useWords(words);
  const { user } = useSession();
  const [confirms, setConfirms] = useState(false);
  const { run, sending, problem } = useAct();
  const { destruction } = tip;
  if (!destruction) return null;
  const { state, ground, reason, askedBy } = destruction;
  if (state !== "ASKED") return <p className="dim t13">{say("state", { state, name: destruction.answeredByPerson?.name ?? say("someone") })}</p>;
  const isMine = askedBy === user.id;
  return (
    <div className={classes.attention} data-grave="" role="group" aria-label={say("ask")}>
      <p>{say("asked", { name: destruction.askedByPerson?.name ?? say("someone"), ground })}</p>
      <p className="user-text">{reason}</p>
      <p className="dim t12">{isMine ? say("askedMine") : null} {say("askedUntil", { until: absolute(destruction.expiresAt, false) })}</p>
      {problem ? <Problem error={problem} /> : null}
      <div className="row g8">
        {isMine ? null : (
          <Button size="xs" variant="filled" color="red" onClick={() => setConfirms(true)}>
            {say("confirm")}
          </Button>
        )}
        <Button size="xs" loading={sending} onClick={() => run(() => take(api.POST("/v1/cybertips/{cybertip_id}/destruction/refuse", place(tip))), say("refused"))}>
          {say(isMine ? "takeBack" : "refuse")}
        </Button>
      </div>
      {confirms ? <ConfirmDialog tip={tip} close={() => setConfirms(false)} /> : null}
    </div>
  );
}

function HoldDialog({ tip, close }: { tip: Tip; close: () => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({
      reason: z.string().check(z.trim(), z.minLength(1, { error: say("needed") }), z.maxLength(MOST)),
      until: z.string().check(z.refine((day) => day === "" || isAhead(day), { error: say("holdPast") })),
    }),
    initialValues: { reason: tip.hold?.reason ?? "", until: "" },
    send: async ({ reason, until }) => {
      changed(await take(api.PUT("/v1/cybertips/{cybertip_id}/hold", { ...place(tip), body: { reason: reason.trim(), until: until === "" ? null : endOfDay(until) } })));
      close();
    },
  });
  return (
    <Asking title={say("holdTitle")} text={say("holdText")} close={close} submit={submit} problem={problem} sending={sending} does={say("holdDo")}>
      <Writing {...input("reason")} label={say("holdReason")} lines={[2, 6]} maxLength={MOST} />
      <TextInput mt={8} type="date" {...input("until")} label={say("holdUntil")} description={say("holdUntilHint")} />
    </Asking>
  );
}

function AskDialog({ tip, close }: { tip: Tip; close: () => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ ground: z.enum(["KEPT_LONG_ENOUGH", "LAW_ENFORCEMENT"]), reason: z.string().check(z.trim(), z.minLength(1, { error: say("needed") }), z.maxLength(MOST)) }),
    initialValues: { ground: tip.isDue ? ("KEPT_LONG_ENOUGH" as const) : ("LAW_ENFORCEMENT" as "KEPT_LONG_ENOUGH" | "LAW_ENFORCEMENT"), reason: "" },
    send: async ({ ground, reason }) => {
      changed(await take(api.POST("/v1/cybertips/{cybertip_id}/destruction", { ...place(tip), body: { ground, reason: reason.trim() } })));
      close();
    },
  });
  return (
    <Asking title={say("askTitle")} text={say("askText")} close={close} submit={submit} problem={problem} sending={sending} does={say("askDo")}>
      <Radio.Group {...input("ground")} label={say("ground")} description={tip.isDue ? undefined : say("onlyLaw")}>
        <Radio mt={6} size="xs" value="KEPT_LONG_ENOUGH" label={say("KEPT_LONG_ENOUGH")} disabled={!tip.isDue} />
        <Radio mt={6} size="xs" value="LAW_ENFORCEMENT" label={say("LAW_ENFORCEMENT")} />
      </Radio.Group>
      <Writing mt={12} {...input("reason")} label={say("reason")} description={say("reasonHint")} lines={[2, 6]} maxLength={MOST} />
    </Asking>
  );
}

function ConfirmDialog({ tip, close }: { tip: Tip; close: () => void }) {
  const say = useWords(words);
  const number = numberOf(tip);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ typed: z.string().check(z.refine((typed) => typed.trim() === number, { error: say("confirmWrong") })) }),
    initialValues: { typed: "" },
    send: async () => {
      changed(await take(api.POST("/v1/cybertips/{cybertip_id}/destruction/confirm", place(tip))));
      toast(say("destroyedNow"));
      close();
    },
  });
  return (
    <Asking title={say("confirmTitle")} text={say("confirmText", { number })} close={close} submit={submit} problem={problem} sending={sending} does={say("confirmDo")} isGrave>
      <TextInput {...input("typed")} autoComplete="off" label={say("confirmType")} placeholder={number} />
    </Asking>
  );
}

interface AskingProps {
  readonly title: string;
  readonly text: string;
  readonly does: string;
  readonly isGrave?: boolean;
  readonly close: () => void;
  readonly submit: ProblemForm<Record<string, unknown>>["submit"];
  readonly problem: ApiProblem | null;
  readonly sending: boolean;
  readonly children: ReactNode;
}

function Asking({ title, text, does, isGrave = false, close, submit, problem, sending, children }: AskingProps) {
  const say = useWords(words);
  return (
    <Dialog opened onClose={close} title={title}>
      <form onSubmit={submit}>
        <FormProblem problem={problem} />
        <p className="t13">{text}</p>
        <div style={{ marginBlock: 12 }}>{children}</div>
        <div className="row g8" style={{ justifyContent: "flex-end" }}>
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" color={isGrave ? "red" : undefined} loading={sending}>
            {does}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
