/**
 * Signing in: password, then the code of a second factor where there is one; or single sign-on.
 * On its own page, and over a page whose session ended.
 */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { z } from "zod/mini";

import { answer, api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { sayer, useWords } from "@/words/words";

import classes from "./door.module.css";
import { Said } from "./door";
import type { Challenge, Session } from "./session";
import { words } from "./words";

const say0 = sayer(words);
const needed = () => z.string().check(z.minLength(1, { error: () => say0("required") }));
const address = () => z.string().check(z.trim(), z.minLength(3, { error: () => say0("required") }), z.regex(/^\S+@\S+$/, { error: () => say0("notAnAddress") }));

interface Props {
  readonly email?: string;
  readonly organisation?: string;
  readonly entered: (session: Session) => void;
  readonly awaits: () => void;
}

export function SignInForm(props: Props) {
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  if (challenge) return <CodeForm challenge={challenge} entered={props.entered} again={() => setChallenge(null)} />;
  return <PasswordForm {...props} challenged={setChallenge} />;
}

function PasswordForm({ email, organisation, entered, awaits, challenged }: Props & { challenged: (challenge: Challenge) => void }) {
  const say = useWords(words);
  const [several, setSeveral] = useState(false);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ email: address(), password: needed(), organisation: z.string() }),
    initialValues: { email: email ?? "", password: "", organisation: organisation ?? "" },
    send: async (values) => {
      try {
        const body = { email: values.email.trim(), password: values.password, organisation: values.organisation.trim() || null };
        const { status, data } = await answer(api.POST("/v1/session", { body }));
        if (status === 202) challenged(data as Challenge);
        else entered(data as Session);
      } catch (error) {
        if (asProblem(error)?.kind !== "awaiting-approval") throw error;
        awaits();
      }
    },
  });
  const wrong = problem?.status === 401;
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      {wrong ? <div role="alert"><Said>{say("wrong")}</Said></div> : <FormProblem problem={problem} />}
      <TextInput {...input("email")} label={say("email")} type="email" autoComplete="username" readOnly={email !== undefined} data-autofocus={email === undefined || undefined} />
      <PasswordInput {...input("password")} label={say("password")} autoComplete="current-password" />
      {several ? (
        <TextInput {...input("organisation")} label={say("organisation")} description={say("organisationHint")} autoComplete="organization" />
      ) : null}
      <Button type="submit" variant="filled" loading={sending} fullWidth>
        {say("signIn")}
      </Button>
      {email === undefined && !several ? (
        <button type="button" className={classes.plain} onClick={() => setSeveral(true)}>
          {say("moreThanOne")}
        </button>
      ) : null}
    </form>
  );
}

function CodeForm({ challenge, entered, again }: { challenge: Challenge; entered: (session: Session) => void; again: () => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ code: needed() }),
    initialValues: { code: "" },
    send: async ({ code }) => {
      const body = { challenge: challenge.challenge, code: code.replace(/\s/g, "") };
      entered(await take(api.POST("/v1/session/second-factor", { body })));
    },
  });
  const wrong = problem?.status === 401;
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <h2>{say("codeTitle")}</h2>
      {wrong ? <div role="alert"><Said>{say("wrongCode")}</Said></div> : <FormProblem problem={problem} />}
      <TextInput {...input("code")} label={say("code")} description={say("codeHint")} autoComplete="one-time-code" inputMode="numeric" autoFocus />
      <Button type="submit" variant="filled" loading={sending} fullWidth>
        {say("signIn")}
      </Button>
      <button type="button" className={classes.plain} onClick={again}>
        {say("back")}
      </button>
    </form>
  );
}

export function SsoForm({ returnTo }: { returnTo: string }) {
  const say = useWords(words);
  const [none, setNone] = useState(false);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ email: address(), organisation: z.string() }),
    initialValues: { email: "", organisation: "" },
    send: async (values) => {
      const body = { email: values.email.trim(), organisation: values.organisation.trim() || null, returnTo };
      const { redirectUrl } = await take(api.POST("/v1/sso/start", { body }));
      if (redirectUrl) location.assign(redirectUrl);
      else setNone(true);
    },
  });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      {none ? <Said>{say("noSso")}</Said> : <FormProblem problem={problem} />}
      <TextInput {...input("email")} label={say("email")} type="email" autoComplete="username" />
      <TextInput {...input("organisation")} label={say("organisation")} description={say("organisationHint")} autoComplete="organization" />
      <Button type="submit" variant="filled" loading={sending} fullWidth>
        {say("toSso")}
      </Button>
    </form>
  );
}
