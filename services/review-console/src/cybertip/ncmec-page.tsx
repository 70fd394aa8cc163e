/**
 * The settings of reporting to NCMEC: all of them at the left; at the right what is still missing before
 * it can be on, and from which queues reports are real.
 *
 * Guarantees: the password is never shown, and stays where nothing is typed; turning reporting on repeats
 * what becomes real and asks to type the company's name; what somebody else changed meanwhile is shown
 * before it is written over.
 */
import { Button, Checkbox, NumberInput, PasswordInput, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";

import { queries } from "@/api/query";
import { queuesQuery } from "@/configuration/query";
import { changesBetween, Differences } from "@/control/difference";
import { InertButton } from "@/control/inert";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { Writing } from "@/control/writing";
import { FormProblem } from "@/form/form-problem";
import { LeaveGuard } from "@/form/leave-guard";
import { useProblemForm, type ProblemForm } from "@/form/use-problem-form";
import { Keys, useCommand } from "@/key/keys";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { appName } from "@/shell/title";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { DETAILS, keep, missingIn, ncmecQuery, Values, valuesOf, type Needed, type Settings } from "./ncmec";
import { Aside } from "./ncmec-aside";
import { NcmecQueue } from "./ncmec-queue";
import { TurnOn } from "./ncmec-turn-on";
import { words } from "./ncmec-words";

export function NcmecPage() {
  const say = useWords(words);
  const may = usePermission("MANAGE_ORG");
  const { data, error, refetch } = useQuery({ ...ncmecQuery, enabled: may });
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  if (!may) {
    return (
      <Empty title={say("closed")} next={<Link to="/settings/account">{say("toOwn")}</Link>}>
        {say("closedNeeds", { needs: calledBy("MANAGE_ORG") })}
      </Empty>
    );
  }
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  return <Pane>{data ? <Form settings={data} /> : <Skeleton lines={14} />}</Pane>;
}

function Form({ settings }: { settings: Settings }) {
  const say = useWords(words);
  // As they were when the form was begun: what comes later is somebody else's, and is compared.
  const [from, setFrom] = useState(settings);
  const [isKept, setKept] = useState(false);
  const [isMine, setMine] = useState(false);
  const [asks, setAsks] = useState(false);
  const form = useProblemForm({
    schema: Values,
    initialValues: valuesOf(settings),
    send: async (values) => {
      const changed = await keep(values, from);
      setFrom(changed);
      setKept(true);
      setMine(false);
      return changed;
    },
    // Without the password that was typed: it is stored, and not shown.
    held: (changed) => valuesOf(changed as Settings),
  });
  const { values } = form.form;
  const isClash = form.problem?.status === 412;
  useEffect(() => {
    if (isClash) void queries.invalidateQueries({ queryKey: ncmecQuery.queryKey });
  }, [isClash]);
  useCommand({ id: "ncmec.save", scope: "page", keys: "Mod+S", anywhere: true, label: say("save"), run: () => (form.dirty || isMine ? form.submit() : undefined) });
  const missing = missingIn(values, from.hasPassword);
  const set = (enabled: boolean) => {
    form.form.setFieldValue("enabled", enabled);
    setAsks(false);
    // With the value in its place.
    setTimeout(() => form.submit());
  };
  const why = missing.length > 0 ? say("missingFirst", { count: missing.length }) : form.dirty ? say("saveFirst") : null;
  return (
    <form className="grow" style={{ display: "flex", flexDirection: "column", minHeight: 0 }} onSubmit={form.submit} onChange={() => setKept(false)}>
      <LeaveGuard dirty={form.dirty} />
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <span className={from.enabled ? "badge done" : "badge"}>{say(from.enabled ? "on" : "off")}</span>
        <span className="dim t13 user-text">
          {say("missingCount", { count: missing.length })} · {say("changed", { date: absolute(from.updatedAt, false), name: from.updatedByPerson?.name ?? from.updatedBy })}
        </span>
        <span className="end row g8">
          <span role="status" className="t13">
            {isKept && !form.dirty ? say("saved") : null}
          </span>
          {form.dirty || isMine ? (
            <Button type="submit" size="sm" variant="filled" loading={form.sending} rightSection={<Keys of="ncmec.save" fallback="Mod+S" />}>
              {say("save")}
            </Button>
          ) : (
            <>
              <Button size="sm" aria-disabled aria-describedby="ncmec-idle" className={classes.idle}>
                {say("save")}
              </Button>
              <span id="ncmec-idle" className="hidden">
                {say("nothingToSave")}
              </span>
            </>
          )}
          {from.enabled ? (
            <Button size="sm" onClick={() => set(false)}>
              {say("turnOff")}
            </Button>
          ) : (
            <InertButton size="sm" why={why} onClick={() => setAsks(true)}>
              {say("turnOn")}
            </InertButton>
          )}
        </span>
      </header>
      {isClash ? <Clash theirs={settings} mine={values} isRead={isMine || from.revision !== settings.revision} isMine={isMine} keepMine={() => (setFrom(settings), setMine(true))} /> : <FormProblem problem={form.problem} />}
      <div className={classes.split}>
        <div className={classes.scroll}>
          <Fields form={form} from={from} missing={missing} />
        </div>
        <aside className={classes.side} aria-label={say("checks")}>
          <Aside form={form} from={from} missing={missing} fill={(name) => form.form.getInputNode(name)?.focus()} />
        </aside>
      </div>
      {asks ? <TurnOn values={values} close={() => setAsks(false)} turn={() => set(true)} /> : null}
    </form>
  );
}

/** Whose change it was, and what differs; saving again is then over what was seen. */
function Clash({ theirs, mine, isRead, isMine, keepMine }: { theirs: Settings; mine: Values; isRead: boolean; isMine: boolean; keepMine: () => void }) {
  const say = useWords(words);
  if (!isRead) return <Skeleton lines={3} />;
  // What was typed as a password is nobody's to see.
  const [there, entered] = [valuesOf(theirs), { ...mine, password: "" }];
  return (
    <div role="alert" className={classes.attention}>
      <p className="user-text">{say("changedMeanwhile", { name: theirs.updatedByPerson?.name ?? "", when: absolute(theirs.updatedAt, false) })}</p>
      <Differences changes={changesBetween(there, entered)} named={(name) => (Object.hasOwn(Values.def.shape, name) ? say(name as keyof Values) : name)} was={say("theirs")} is={say("mine")} />
      {isMine ? (
        <p>{say("saveAgain")}</p>
      ) : (
        <Button size="xs" className={classes.fit} onClick={keepMine}>
          {say("keepMine")}
        </Button>
      )}
    </div>
  );
}

interface FieldsProps {
  readonly form: ProblemForm<Values>;
  readonly from: Settings;
  readonly missing: readonly Needed[];
}

type Text = "username" | "companyReportName" | "legalUrl" | "contactEmail" | "moreInfoUrl" | "additionalInfoEndpoint" | "preservationEndpoint";

function Fields({ form, from, missing }: FieldsProps) {
  const say = useWords(words);
  const queues = useQuery(queuesQuery).data ?? [];
  const text = (name: Text, below?: ReactNode) => (
    <Row name={name} isNeeded={missing.includes(name as Needed)} isShort={name === "username" || name === "companyReportName"}>
      <TextInput id={`ncmec-${name}`} size="sm" {...form.input(name)} />
      {below}
    </Row>
  );
  const headers = (names: readonly string[] | undefined) => (names && names.length > 0 ? <p className="dim t12">{say("headersKept", { count: names.length, names: names.join(", ") })}</p> : null);
  return (
    <>
      <Group name={say("groupAccount")} hint={say("groupAccountHint")} />
      {text("username")}
      <Row name="password" isNeeded={missing.includes("password")} isShort>
        <PasswordInput id="ncmec-password" size="sm" autoComplete="new-password" placeholder={from.hasPassword ? say("passwordKept") : undefined} {...form.input("password")} />
      </Row>
      <Group name={say("groupWho")} />
      {text("companyReportName")}
      {text("legalUrl")}
      {text("contactEmail")}
      <Row name="termsOfService">
        <Writing id="ncmec-termsOfService" lines={[1, 6]} {...form.input("termsOfService")} />
      </Row>
      <Row name="contactPerson">
        <div className={classes.four} role="group" aria-label={say("contactPerson")}>
          {(["firstName", "lastName", "email", "phone"] as const).map((one) => (
            <TextInput key={one} id={one === "firstName" ? "ncmec-contactPerson" : undefined} size="sm" aria-label={say(one)} placeholder={say(one)} {...form.input(`contactPerson.${one}`)} />
          ))}
        </div>
      </Row>
      {text("moreInfoUrl")}
      <Group name={say("groupStart")} />
      <Row name="internetDetail" isShort>
        <Select id="ncmec-internetDetail" size="sm" clearable placeholder={say("noneChosen")} data={DETAILS.map((one) => ({ value: one, label: say(one) }))} {...form.input("internetDetail")} />
      </Row>
      <Group name={say("groupReview")} />
      <Row name="ncmecQueueId" isShort>
        <NcmecQueue id="ncmec-ncmecQueueId" />
      </Row>
      <Row name="minimumMedia" isShort>
        <Checkbox size="xs" label={say("all")} checked={form.form.values.minimumMedia === null} onChange={(event) => form.form.setFieldValue("minimumMedia", event.currentTarget.checked ? null : 1)} />
        {form.form.values.minimumMedia === null ? null : <NumberInput id="ncmec-minimumMedia" mt={4} size="sm" min={0} max={1000} allowDecimal={false} aria-label={say("minimumMedia")} {...form.input("minimumMedia")} />}
      </Row>
      <Group name={say("groupEndpoints")} hint={say("groupEndpointsHint")} />
      {text("preservationEndpoint", headers(from.preservationHeaderNames))}
      {text("additionalInfoEndpoint", headers(from.additionalInfoHeaderNames))}
      <p className={classes.foot}>{queues.length > 0 ? say("never") : null}</p>
    </>
  );
}

function Group({ name, hint }: { name: string; hint?: string }) {
  return (
    <div className={classes.group}>
      <h2 className="t13">{name}</h2>
      {hint ? <span className="dim t12">{hint}</span> : null}
    </div>
  );
}

type Named = Text | "ncmecQueueId" | "password" | "termsOfService" | "contactPerson" | "internetDetail" | "minimumMedia";

/** What is needed says so in a word, and not by a star. */
function Row({ name, isNeeded = false, isShort = false, children }: { name: Named; isNeeded?: boolean; isShort?: boolean; children: ReactNode }) {
  const say = useWords(words);
  return (
    <div className={classes.field} data-missing={isNeeded || undefined}>
      <div>
        <label htmlFor={`ncmec-${name}`}>
          {say(name)} {isNeeded ? <span className="severe t12">{say("needed")}</span> : null}
        </label>
        <p className="dim t12">{say(`${name}Hint`)}</p>
      </div>
      <div className={classes.control} data-short={isShort || undefined}>
        {children}
      </div>
    </div>
  );
}
