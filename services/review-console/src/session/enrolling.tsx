/**
 * Setting up a second factor: the password again, the secret into an authenticator, a code of it, and
 * then the recovery codes, which are shown this once.
 */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { QRCodeSVG } from "qrcode.react";
import { useState } from "react";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { CopyChip } from "@/control/id-chip";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { sayer, useWords } from "@/words/words";

import classes from "./door.module.css";
import { words } from "./words";

const say0 = sayer(words);
const needed = () => z.string().check(z.minLength(1, { error: () => say0("required") }));

export function Enrolling({ finished, shows }: { finished: () => void; shows?: (codes: boolean) => void }) {
  const [enrolment, setEnrolment] = useState<Schema["EnrolmentView"] | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  if (codes) return <RecoveryCodes codes={codes} done={finished} />;
  if (!enrolment) return <PasswordAgain verb="begin" send={async (body) => setEnrolment(await take(api.POST("/v1/me/second-factor", { body })))} />;
  const confirmed = (made: readonly string[]) => {
    setCodes(made);
    shows?.(true);
  };
  return <ConfirmForm enrolment={enrolment} confirmed={confirmed} />;
}

/** Whoever changes how they sign in shows their password again. */
export function PasswordAgain({ verb, send, cancel }: { verb: "begin" | "newCodes" | "removeFactor"; send: (body: { password: string }) => Promise<unknown>; cancel?: () => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({ schema: z.object({ password: needed() }), initialValues: { password: "" }, send });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <FormProblem problem={problem} />
      <PasswordInput {...input("password")} label={say("passwordAgain")} autoComplete="current-password" autoFocus />
      <div className="row g8">
        <Button type="submit" variant="filled" loading={sending}>
          {say(verb)}
        </Button>
        {cancel ? <Button onClick={cancel}>{say("cancel")}</Button> : null}
      </div>
    </form>
  );
}

function ConfirmForm({ enrolment, confirmed }: { enrolment: Schema["EnrolmentView"]; confirmed: (codes: readonly string[]) => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ code: needed() }),
    initialValues: { code: "" },
    send: async ({ code }) => {
      const body = { code: code.replace(/\s/g, "") };
      confirmed((await take(api.POST("/v1/me/second-factor/confirm", { body }))).recoveryCodes);
    },
  });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <p className="dim t13">{say("scan")}</p>
      {/* Black on white in either theme: cameras know no other. */}
      <QRCodeSVG className={classes.scan} value={enrolment.uri} size={176} marginSize={4} title={say("scanName")} />
      <div className={classes.secret}>
        <span className="dim t12">{say("secret")}</span>
        <CopyChip text={enrolment.secret} shown={enrolment.secret.replace(/(.{4})(?=.)/g, "$1 ")} />
      </div>
      <a className="t13" href={enrolment.uri}>
        {say("openAuthenticator")}
      </a>
      <FormProblem problem={problem} />
      <TextInput {...input("code")} label={say("code")} autoComplete="one-time-code" inputMode="numeric" autoFocus />
      <Button type="submit" variant="filled" loading={sending}>
        {say("confirm")}
      </Button>
    </form>
  );
}

export function RecoveryCodes({ codes, done }: { codes: readonly string[]; done: () => void }) {
  const say = useWords(words);
  const text = codes.join("\n");
  return (
    <div className={classes.form}>
      <p className="dim t13">{say("recoveryText")}</p>
      <ul className={classes.codes} aria-label={say("recoveryTitle")}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="row g8">
        <Button onClick={() => void navigator.clipboard.writeText(text).then(() => toast(say("codesCopied")))}>{say("copyCodes")}</Button>
        <Button variant="filled" onClick={done}>
          {say("goOn")}
        </Button>
      </div>
    </div>
  );
}
