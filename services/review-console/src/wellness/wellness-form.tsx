/** My own veil and breaks, with what they look like beside. */
import { Button, NumberInput, SegmentedControl, Slider, Switch } from "@mantine/core";
import { useState } from "react";

import { asProblem, type ApiProblem } from "@/api/problem";
import { Problem } from "@/control/state";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { Preview } from "./preview";
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
  const choice = form.form.values;
  const tint = choice.grayscale ? "grayscale" : choice.sepia ? "sepia" : "colourful";
  const reset = () => void keep(null).then(() => setRefused(null)).catch((error: unknown) => setRefused(asProblem(error)));
  const number = (name: "veilAfter" | "breakAfterReveals" | "breakAfterMinutes", most: number, hint: string) => (
    <NumberInput {...form.input(name)} label={say(name)} description={`${hint}, ${say("tooHigh", { most })}`} min={0} max={most} allowDecimal={false} allowNegative={false} />
  );
  return (
    <form className={classes.form} onSubmit={form.submit} onChange={() => setKept(false)}>
      <div className={classes.fields}>
        <FormProblem problem={form.problem} />
        {refused ? <Problem error={refused} /> : null}
        <div>
          <div className="row g8">
            <span className="med t13">
              {say("blurLevel")}
            </span>
            <span className="dim t12">{say("blurOf", { level: choice.blurLevel })}</span>
          </div>
          <Slider {...form.input("blurLevel")} min={0} max={6} step={1} label={null} thumbLabel={say("blurLevel")} marks={[0, 1, 2, 3, 4, 5, 6].map((value) => ({ value }))} />
        </div>
        <div>
          <span className="med t13">{say("colour")}</span>
          <SegmentedControl fullWidth size="xs" aria-label={say("colour")} value={tint} onChange={(value) => form.form.setValues({ grayscale: value === "grayscale", sepia: value === "sepia" })} data={(["grayscale", "sepia", "colourful"] as const).map((value) => ({ value, label: say(value) }))} />
        </div>
        <Switch {...form.form.getInputProps("veilText", { type: "checkbox" })} label={say("veilText")} />
        <Switch {...form.form.getInputProps("muteVideo", { type: "checkbox" })} label={say("muteVideo")} />
        <Switch {...form.form.getInputProps("muteAudio", { type: "checkbox" })} label={say("muteAudio")} />
        {number("veilAfter", 600, say("whenLeft"))}
        {number("breakAfterReveals", 1000, say("never"))}
        {number("breakAfterMinutes", 480, say("never"))}
        <div className="row g8">
          <Button type="submit" variant="filled" loading={form.sending}>
            {say("save")}
          </Button>
          {wellness.isOwn ? <Button onClick={reset}>{say("asOrganisation")}</Button> : <span className="t12 dim">{say("isOrganisation")}</span>}
          <span role="status" className="t13">
            {isKept ? say("saved") : null}
          </span>
        </div>
      </div>
      <Preview choice={choice} />
    </form>
  );
}
