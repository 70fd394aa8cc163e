/** For whoever must set up a second factor before anything else is open to them. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { z } from "zod";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { CopyChip } from "@/control/id-chip";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { sayer, useWords } from "@/words/words";

import { Door } from "./door";
import classes from "./door.module.css";
import { sessionQuery, signOut } from "./session";
import { words } from "./words";

const say0 = sayer(words);
const needed = () => z.string().min(1, { error: () => say0("required") });

export function FactorPage({ done }: { done: () => void }) {
  const say = useWords(words);
  const [enrolment, setEnrolment] = useState<Schema["EnrolmentView"] | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const finish = async () => {
    await queries.refetchQueries({ queryKey: sessionQuery.queryKey });
    done();
  };
  return (
    <Door
      title={codes ? say("recoveryTitle") : say("factorTitle")}
      foot={
        <button type="button" className={classes.plain} onClick={() => void signOut().then(done)}>
          {say("signOut")}
        </button>
      }
    >
      {codes ? (
        <div className={classes.form}>
          <p className="dim t13">{say("recoveryText")}</p>
          <ul className={classes.codes}>
            {codes.map((code) => (
              <li key={code}>{code}</li>
            ))}
          </ul>
          <Button variant="filled" onClick={() => void finish()}>
            {say("goOn")}
          </Button>
        </div>
      ) : enrolment ? (
        <ConfirmForm enrolment={enrolment} confirmed={setCodes} />
      ) : (
        <BeginForm begun={setEnrolment} />
      )}
    </Door>
  );
}

function BeginForm({ begun }: { begun: (enrolment: Schema["EnrolmentView"]) => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ password: needed() }),
    initialValues: { password: "" },
    send: async (body) => begun(await take(api.POST("/v1/me/second-factor", { body }))),
  });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <p className="dim t13">{say("factorText")}</p>
      <FormProblem problem={problem} />
      <PasswordInput {...input("password")} label={say("password")} autoComplete="current-password" />
      <Button type="submit" variant="filled" loading={sending}>
        {say("begin")}
      </Button>
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
      <div className="t13">
        <span className="dim">{say("secret")}</span> <CopyChip text={enrolment.secret} shown={enrolment.secret} />
      </div>
      <a className="t13" href={enrolment.uri}>
        {say("openAuthenticator")}
      </a>
      <FormProblem problem={problem} />
      <TextInput {...input("code")} label={say("code")} autoComplete="one-time-code" inputMode="numeric" />
      <Button type="submit" variant="filled" loading={sending}>
        {say("confirm")}
      </Button>
    </form>
  );
}
