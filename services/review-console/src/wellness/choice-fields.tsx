/** The fields of a choice: how media and words are veiled, and when a break is advised; with what it looks
 * like beside. */
import { NumberInput, SegmentedControl, Slider, Switch } from "@mantine/core";
import type { ReactNode } from "react";

import type { ProblemForm } from "@/form/use-problem-form";
import { useWords } from "@/words/words";

import { Preview } from "./preview";
import classes from "./wellness.module.css";
import type { Choice } from "./wellness";
import { words } from "./words";

/** `above`: what was refused; `foot`: the buttons. */
export function ChoiceFields({ form, above, foot }: { form: ProblemForm<Choice>; above: ReactNode; foot: ReactNode }) {
  const say = useWords(words);
  const choice = form.form.values;
  const tint = choice.grayscale ? "grayscale" : choice.sepia ? "sepia" : "colourful";
  const number = (name: "veilAfter" | "breakAfterReveals" | "breakAfterMinutes", most: number, hint: string) => (
    <NumberInput {...form.input(name)} label={say(name)} description={`${hint}, ${say("tooHigh", { most })}`} min={0} max={most} allowDecimal={false} allowNegative={false} />
  );
  const toggle = (name: "veilText" | "muteVideo" | "muteAudio") => <Switch {...form.form.getInputProps(name, { type: "checkbox" })} label={say(name)} />;
  return (
    <>
      <div className={classes.fields}>
        {above}
        <div>
          <div className="row g8">
            <span className="med t13">{say("blurLevel")}</span>
            <span className="dim t12">{say("blurOf", { level: choice.blurLevel })}</span>
          </div>
          <Slider {...form.input("blurLevel")} min={0} max={6} step={1} label={null} thumbLabel={say("blurLevel")} marks={[0, 1, 2, 3, 4, 5, 6].map((value) => ({ value }))} />
        </div>
        <div>
          <span className="med t13">{say("colour")}</span>
          <SegmentedControl fullWidth size="xs" aria-label={say("colour")} value={tint} onChange={(value) => form.form.setValues({ grayscale: value === "grayscale", sepia: value === "sepia" })} data={(["grayscale", "sepia", "colourful"] as const).map((value) => ({ value, label: say(value) }))} />
        </div>
        {toggle("veilText")}
        {toggle("muteVideo")}
        {toggle("muteAudio")}
        {number("veilAfter", 600, say("whenLeft"))}
        {number("breakAfterReveals", 1000, say("never"))}
        {number("breakAfterMinutes", 480, say("never"))}
        <div className="row g8">{foot}</div>
      </div>
      <Preview choice={choice} />
    </>
  );
}
