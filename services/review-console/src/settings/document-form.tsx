/**
 * What stands around the fields of a document: the button that saves, what was refused, the other's
 * change, and the question before leaving.
 */
import { Button } from "@mantine/core";
import { useId, type ReactNode } from "react";

import { changesBetween, Differences } from "@/control/difference";
import { FormProblem } from "@/form/form-problem";
import { LeaveGuard } from "@/form/leave-guard";
import { Keys, useCommand } from "@/key/keys";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Told } from "./documents";
import classes from "./settings.module.css";
import type { DocumentForm as Form } from "./use-document-form";
import { words } from "./words";

interface Props<D extends Told, V extends Record<string, unknown>> {
  readonly form: Form<D, V>;
  readonly valuesOf: (document: D) => object;
  /** What is compared with theirs, where it is not what the form holds. */
  readonly mine?: object;
  /** What a field is called, where its name is not what people read. */
  readonly named: (field: string) => string;
  readonly valued?: (field: string, value: string) => string;
  readonly children: ReactNode;
}

/** The fields, and above them what keeps them from being saved. */
export function DocumentFields<D extends Told, V extends Record<string, unknown>>({ form, valuesOf, mine, named, valued, children }: Props<D, V>) {
  const say = useWords(words);
  return (
    <form id={FORM} className={classes.form} onSubmit={form.submit} noValidate>
      <LeaveGuard dirty={form.dirty} left={form.forget} />
      {form.isKept && form.dirty ? <p className={classes.note}>{say("keptHere")}</p> : null}
      {form.clash ? <Clash form={form} valuesOf={valuesOf} mine={mine} named={named} valued={valued} /> : <FormProblem problem={form.problem} />}
      {children}
    </form>
  );
}

/** A page has one document, and so one such form. */
const FORM = "document";

export function SaveButtons<D extends Told, V extends Record<string, unknown>>({ form }: { form: Form<D, V> }) {
  const say = useWords(words);
  const why = useId();
  const isIdle = form.base !== null && !form.dirty;
  useCommand({ id: "document.save", scope: "page", keys: "Mod+S", anywhere: true, label: say("saveKey"), run: () => (isIdle ? undefined : form.submit()) });
  return (
    <>
      {form.dirty && form.base !== null ? (
        <Button size="xs" variant="subtle" onClick={form.discard}>
          {say("discard")}
        </Button>
      ) : null}
      {isIdle ? (
        <>
          <Button size="xs" aria-disabled aria-describedby={why} className={classes.idle}>
            {say("saved")}
          </Button>
          <span id={why} className="hidden">
            {say("nothingToSave")}
          </span>
        </>
      ) : (
        <Button size="xs" type="submit" form={FORM} variant="filled" loading={form.sending} rightSection={<Keys of="document.save" fallback="Mod+S" />}>
          {say(form.base === null ? "create" : "save")}
        </Button>
      )}
    </>
  );
}

function Clash<D extends Told, V extends Record<string, unknown>>({ form, valuesOf, mine = form.form.values, named, valued }: Omit<Props<D, V>, "children">) {
  const say = useWords(words);
  if (!form.clash) return null;
  const { theirs, isMine } = form.clash;
  const changes = changesBetween(valuesOf(theirs), mine);
  return (
    <div role="alert" className={classes.clash}>
      <b className="user-text">{say("clashTitle", { name: theirs.updatedByPerson?.name ?? say("somebody"), when: absolute(theirs.updatedAt, false) })}</b>
      <p className="dim">{say(changes.length > 0 ? "clashText" : "clashSame")}</p>
      <Differences changes={changes} named={named} valued={valued} was={say("theirs")} is={say("mine")} />
      {isMine ? (
        <p>{say("minded")}</p>
      ) : (
        <span className="row g8">
          <Button size="xs" onClick={form.keepMine}>
            {say("keepMine")}
          </Button>
          <Button size="xs" variant="subtle" onClick={form.takeTheirs}>
            {say("takeTheirs")}
          </Button>
        </span>
      )}
    </div>
  );
}

/** A titled part of a form or of the pane beside it. */
export function Part({ title, facts, tools, children }: { title: string; facts?: ReactNode; tools?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.part} aria-label={title}>
      <header className={classes.parthead}>
        <h2>{title}</h2>
        {facts ? <span className="dim t12">{facts}</span> : null}
        {tools ? <span className="end row g8">{tools}</span> : null}
      </header>
      {children}
    </section>
  );
}

/** Faults that have no field of their own. */
export function Faults({ of }: { of: readonly string[] }) {
  return of.length === 0 ? null : (
    <div role="alert">
      <ul className={classes.faults}>
        {of.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </div>
  );
}
