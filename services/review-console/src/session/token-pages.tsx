/**
 * The pages behind links that people get by mail, and how to ask for one. The token is the fragment of
 * the address: no server sees it but in the body of a request.
 */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { z } from "zod/mini";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { sayer, useWords } from "@/words/words";

import { Door, Said } from "./door";
import classes from "./door.module.css";
import { words } from "./words";

const LEAST = 12;
const say0 = sayer(words);
const passwordShape = () => z.string().check(z.minLength(LEAST, { error: () => say0("tooShort", { least: LEAST }) }));

/** Read once, then taken out of the address, so that it is in no history. */
function useToken(): string {
  const [token] = useState(() => {
    const found = location.hash.slice(1);
    if (found) history.replaceState(history.state, "", location.pathname);
    return found;
  });
  return token;
}

function ToSignIn() {
  const say = useWords(words);
  return <Link to="/sign-in">{say("toSignIn")}</Link>;
}

export function ForgotPage() {
  const say = useWords(words);
  const [sent, setSent] = useState(false);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ email: z.string().check(z.trim(), z.minLength(3, { error: () => say0("required") })) }),
    initialValues: { email: "" },
    send: async ({ email }) => {
      await take(api.POST("/v1/password-resets", { body: { email: email.trim(), organisation: null } }));
      setSent(true);
    },
  });
  return (
    <Door title={say("forgotTitle")} foot={<ToSignIn />}>
      {sent ? (
        <div className={classes.form}>
          <Said>{say("sent")}</Said>
        </div>
      ) : (
        <form className={classes.form} onSubmit={submit} noValidate>
          <p className="dim t13">{say("forgotText")}</p>
          <FormProblem problem={problem} />
          <TextInput {...input("email")} label={say("email")} type="email" autoComplete="username" />
          <Button type="submit" variant="filled" loading={sending}>
            {say("send")}
          </Button>
        </form>
      )}
    </Door>
  );
}

export function ResetPage() {
  const say = useWords(words);
  const token = useToken();
  const navigate = useNavigate();
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ password: passwordShape() }),
    initialValues: { password: "" },
    send: async ({ password }) => {
      await take(api.POST("/v1/password-resets/use", { body: { token, password } }));
      toast(say("resetDone"));
      await navigate({ to: "/sign-in" });
    },
  });
  const dead = token === "" || problem?.status === 404;
  return (
    <Door title={say("resetTitle")} foot={dead ? <Link to="/forgot-password">{say("forgot")}</Link> : <ToSignIn />}>
      <form className={classes.form} onSubmit={submit} noValidate>
        {dead ? <Said>{say("deadLink")}</Said> : <FormProblem problem={problem} />}
        <PasswordInput {...input("password")} label={say("newPassword")} description={say("newPasswordHint")} autoComplete="new-password" />
        <Button type="submit" variant="filled" loading={sending}>
          {say("save")}
        </Button>
      </form>
    </Door>
  );
}

export function SignUpPage() {
  const say = useWords(words);
  const token = useToken();
  const looked = useQuery({
    queryKey: ["invitation", token],
    enabled: token !== "",
    staleTime: Infinity,
    queryFn: () => take(api.POST("/v1/invitations/look", { body: { token } })),
  });
  const dead = token === "" || asProblem(looked.error)?.status === 404;
  return (
    <Door title={say("signUpTitle")} foot={<ToSignIn />}>
      {dead ? (
        <div className={classes.form}>
          <Said>{say("deadLink")}</Said>
        </div>
      ) : looked.isPending ? (
        <Skeleton lines={3} />
      ) : looked.isError ? (
        <Problem error={looked.error} again={() => void looked.refetch()} />
      ) : (
        <SignUpForm token={token} {...looked.data} />
      )}
    </Door>
  );
}

function SignUpForm({ token, email, organisation, needsPassword }: { token: string; email: string; organisation: string; needsPassword: boolean }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({
      name: z.string().check(z.trim(), z.minLength(1, { error: () => say0("required") })),
      password: needsPassword ? passwordShape() : z.string(),
    }),
    initialValues: { name: "", password: "" },
    send: async ({ name, password }) => {
      const body = { token, name: name.trim(), password: needsPassword ? password : null };
      const made = await take(api.POST("/v1/invitations/accept", { body }));
      if (made.status === "PENDING") return navigate({ to: "/awaiting-approval" });
      toast(say("joined"));
      return navigate({ to: "/sign-in" });
    },
  });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <p className="t13">{say.rich("invited", { organisation: <b className="user-text">{organisation}</b>, email: <b>{email}</b> })}</p>
      <FormProblem problem={problem} />
      <TextInput {...input("name")} label={say("name")} description={say("nameHint")} autoComplete="name" />
      {needsPassword ? (
        <PasswordInput {...input("password")} label={say("password")} description={say("newPasswordHint")} autoComplete="new-password" />
      ) : null}
      <Button type="submit" variant="filled" loading={sending}>
        {say("join")}
      </Button>
    </form>
  );
}

export function WaitingPage() {
  const say = useWords(words);
  return (
    <Door title={say("waitingTitle")} foot={<ToSignIn />}>
      <p className="dim t13">{say("waitingText")}</p>
    </Door>
  );
}
