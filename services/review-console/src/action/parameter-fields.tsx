/** What actions are told, of those that are chosen: a field for each parameter, under the action's name. */
import type { Schema } from "@/api/client";
import { useWords } from "@/words/words";

import { rowOf } from "./action";
import classes from "./action.module.css";
import { ValueField } from "./value-field";
import { words } from "./words";

/** By the action's id, then by the parameter's name; what has no value is not in it. */
export type Told = Readonly<Record<string, Readonly<Record<string, Schema["JsonValue"]>>>>;

interface Props {
  readonly actions: readonly Schema["ActionView"][];
  readonly chosen: readonly string[];
  readonly told: Told;
  readonly set: (told: Record<string, Record<string, Schema["JsonValue"]>>) => void;
  readonly faultOf?: (actionId: string, name: string) => string | undefined;
}

export function ParameterFields({ actions, chosen, told, set, faultOf }: Props) {
  const say = useWords(words);
  return actions
    .filter((one) => chosen.includes(one.id) && (one.parameters ?? []).length > 0)
    .map((action) => (
      <fieldset key={action.id} className={classes.told}>
        <legend>{say("parametersOf", { action: action.name })}</legend>
        {(action.parameters ?? []).map((one) => (
          <ValueField
            key={one.name}
            row={rowOf(one)}
            label={one.required ? say("needed", { name: one.displayName }) : one.displayName}
            value={told[action.id]?.[one.name] ?? null}
            set={(value) => {
              const others = Object.fromEntries(Object.entries(told[action.id] ?? {}).filter(([name]) => name !== one.name));
              set({ ...told, [action.id]: value === null ? others : { ...others, [one.name]: value } });
            }}
            error={faultOf?.(action.id, one.name)}
          />
        ))}
      </fieldset>
    ));
}
