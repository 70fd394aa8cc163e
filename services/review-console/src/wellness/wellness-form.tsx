/** My own veil and breaks, with what they look like beside. */
import { Button } from "@mantine/core";
import { useState } from "react";

import { asProblem, type ApiProblem } from "@/api/problem";
import { Problem } from "@/control/state";
import { FormProblem } from "@/form/form-problem";
import { LeaveGuard } from "@/form/leave-guard";
import { useProblemForm } from "@/form/use-problem-form";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { ChoiceFields } from "./choice-fields";
import classes from "./wellness.module.css";
import { Choice, choiceOf, keep } from "./wellness";
import { words } from "./words";

export function WellnessForm() {
  const { wellness } = useSession();
  // What the organisation has is loaded into the fields anew.
  return <Fields key={String(wellness.isOwn)} />;
}

function Fields() {
  const say = useWords(words);
  const { wellness } = useSession();
  const [isKept, setKept] = useState(false);
  const [refused, setRefused] = useState<ApiProblem | null>(null);
  const form = useProblemForm({
    schema: Choice,
    initialValues: choiceOf(wellness),
    send: async (values) => {
      await keep(values);
      setKept(true);
    },
  });
  const reset = () => void keep(null).then(() => setRefused(null)).catch((error: unknown) => setRefused(asProblem(error)));
  const above = (
    <>
      <FormProblem problem={form.problem} />
      {refused ? <Problem error={refused} /> : null}
    </>
  );
  const foot = (
    <>
      <Button type="submit" variant="filled" loading={form.sending}>
        {say("save")}
      </Button>
      {wellness.isOwn ? <Button onClick={reset}>{say("asOrganisation")}</Button> : <span className="t12 dim">{say("isOrganisation")}</span>}
      <span role="status" className="t13">
        {isKept ? say("saved") : null}
      </span>
    </>
  );
  return (
    <form className={classes.form} onSubmit={form.submit} onChange={() => setKept(false)}>
      <LeaveGuard dirty={form.dirty} />
      <ChoiceFields form={form} above={above} foot={foot} />
    </form>
  );
}
