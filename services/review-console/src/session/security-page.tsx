/** My account's door: password, second factor, and where I am signed in. */
import { Button, PasswordInput } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { z } from "zod/mini";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { appName } from "@/shell/title";
import { sayer, useWords } from "@/words/words";

import classes from "./door.module.css";
import { Enrolling, PasswordAgain, RecoveryCodes } from "./enrolling";
import { useSession } from "./session";
import { Sessions } from "./sessions";
import { words } from "./words";

const LEAST = 12;
const say0 = sayer(words);

export const factorQuery = queryOptions({
  queryKey: ["second-factor"],
  queryFn: ({ signal }) => take(api.GET("/v1/me/second-factor", { signal })),
});

export function SecurityPage() {
  const say = useWords(words);
  const { user } = useSession();
  useEffect(() => {
    document.title = `${say("securityTitle")} · ${appName}`;
  });
  return (
    <>
      <header className={classes.head}>
        <h1>{say("securityTitle")}</h1>
        <span className="dim t13 user-text ell">
          {user.name} · {user.email}
        </span>
      </header>
      <div className={classes.page}>
        <Part title={say("passwordPart")} hint={say("passwordPartText")}>
          {user.hasPassword ? <PasswordForm /> : <p className="t13">{say("noPassword")}</p>}
        </Part>
        <Part title={say("factorPart")} hint={say("factorPartText")}>
          {user.hasPassword ? <Factor /> : <p className="t13">{say("noPassword")}</p>}
        </Part>
        <Part title={say("sessionsPart")} hint={say("sessionsPartText")}>
          <Sessions />
        </Part>
      </div>
    </>
  );
}

function Part({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <section className={classes.part} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <p className="dim t12">{hint}</p>
      </header>
      <div>
        <Pane>{children}</Pane>
      </div>
    </section>
  );
}

function PasswordForm() {
  const say = useWords(words);
  const { form, input, problem, sending, submit } = useProblemForm({
    schema: z
      .object({
        currentPassword: z.string().check(z.minLength(1, { error: () => say0("required") })),
        newPassword: z.string().check(z.minLength(LEAST, { error: () => say0("tooShort", { least: LEAST }) })),
        again: z.string(),
      })
      .check(z.refine((values) => values.again === values.newPassword, { path: ["again"], error: () => say0("notTheSame") })),
    initialValues: { currentPassword: "", newPassword: "", again: "" },
    send: async ({ currentPassword, newPassword }) => {
      await take(api.PUT("/v1/me/password", { body: { currentPassword, newPassword } }));
      form.reset();
      toast(say("passwordChanged"));
      void queries.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <FormProblem problem={problem} />
      <PasswordInput {...input("currentPassword")} label={say("currentPassword")} autoComplete="current-password" />
      <PasswordInput {...input("newPassword")} label={say("newPassword")} description={say("newPasswordHint")} autoComplete="new-password" />
      <PasswordInput {...input("again")} label={say("again")} autoComplete="new-password" />
      <div>
        <Button type="submit" loading={sending}>
          {say("changePassword")}
        </Button>
      </div>
    </form>
  );
}

type Doing = "none" | "enrol" | "codes" | "remove";

function Factor() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(factorQuery);
  const [doing, setDoing] = useState<Doing>("none");
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const done = () => {
    setDoing("none");
    setCodes(null);
    void queries.invalidateQueries({ queryKey: factorQuery.queryKey });
    void queries.invalidateQueries({ queryKey: ["sessions"] });
  };
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={2} />;
  const renew = async (body: { password: string }) => setCodes((await take(api.POST("/v1/me/second-factor/recovery-codes", { body }))).recoveryCodes);
  const remove = async (body: { password: string }) => {
    await take(api.POST("/v1/me/second-factor/remove", { body }));
    toast(say("factorRemoved"));
    done();
  };
  return (
    <div className={classes.form}>
      <p className="t13">{data.isSetUp ? say("factorOn", { left: data.recoveryCodesLeft }) : say("factorOff")}</p>
      {codes ? <RecoveryCodes codes={codes} done={done} /> : null}
      {doing === "enrol" ? <Enrolling finished={done} /> : null}
      {doing === "codes" && codes === null ? (
        <>
          <p className="dim t13">{say("newCodesText")}</p>
          <PasswordAgain verb="newCodes" send={renew} cancel={done} />
        </>
      ) : null}
      {doing === "remove" ? <PasswordAgain verb="removeFactor" send={remove} cancel={done} /> : null}
      {doing === "none" ? (
        <div className="row g8">
          {data.isSetUp ? (
            <>
              <Button onClick={() => setDoing("codes")}>{say("newCodes")}</Button>
              <Button onClick={() => setDoing("remove")}>{say("removeFactor")}</Button>
            </>
          ) : (
            <Button onClick={() => setDoing("enrol")}>{say("setUp")}</Button>
          )}
        </div>
      ) : null}
    </div>
  );
}
