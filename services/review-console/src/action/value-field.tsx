/** A value for a parameter, by its kind: in a test, and as what it has by default. */
import { MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";

import type { Schema } from "@/api/client";
import { useWords } from "@/words/words";

import { optionsOf, type ParameterRow } from "./action";
import { words } from "./words";

type Json = Schema["JsonValue"];

interface Props {
  readonly row: ParameterRow;
  readonly label: string;
  readonly value: Json | null;
  /** Null: there is none. */
  readonly set: (value: Json | null) => void;
  readonly error?: string;
}

export function ValueField({ row, label, value, set, error }: Props) {
  const say = useWords(words);
  const base = { size: "xs" as const, label, error };
  if (row.type === "BOOLEAN") {
    return <Select {...base} placeholder={say("nothing")} clearable data={[{ value: "true", label: say("yes") }, { value: "false", label: say("no") }]} value={value === null ? null : String(value)} onChange={(next) => set(next === null ? null : next === "true")} />;
  }
  if (row.type === "NUMBER") {
    return <NumberInput {...base} placeholder={say("nothing")} value={typeof value === "number" ? value : ""} onChange={(next) => set(typeof next === "number" ? next : null)} />;
  }
  if (row.type === "SELECT") {
    return <Select {...base} placeholder={say("nothing")} clearable data={unique(row)} value={typeof value === "string" ? value : null} onChange={set} />;
  }
  if (row.type === "MULTISELECT") {
    return <MultiSelect {...base} placeholder={say("nothing")} data={unique(row)} value={Array.isArray(value) ? value.map(String) : []} onChange={(next) => set(next.length > 0 ? next : null)} />;
  }
  return <TextInput {...base} placeholder={say("nothing")} value={typeof value === "string" ? value : ""} onChange={(event) => set(event.currentTarget.value === "" ? null : event.currentTarget.value)} />;
}

/** While they are typed two may be the same, which a list of choices does not bear. */
function unique(row: ParameterRow): { value: string; label: string }[] {
  return [...new Map(optionsOf(row.options).map((one) => [one.value, one])).values()];
}
