/** What a condition compares with: a number, a text, a list; strings and banks that its signal looks for. */
import { MultiSelect, NumberInput, Select, TagsInput, TextInput } from "@mantine/core";

import { useWords } from "@/words/words";

import { familyOf, isListing, isPresence, type InputChoice, type Signal } from "./choice";
import type { Path } from "./edit";
import { useEditing, type BankChoice } from "./editing";
import classes from "./editor.module.css";
import { words } from "./editor-words";
import type { Condition } from "./sentence";

interface Props {
  readonly path: Path;
  readonly number: string;
  readonly condition: Condition;
  readonly choice: Pick<InputChoice, "scalar" | "options">;
  readonly signal: Signal | null;
}
type Matching = NonNullable<Condition["matchingValues"]>;

export function ValueOf(props: Props) {
  const { condition, signal } = props;
  const looks = (signal?.needsMatchingValues.length ?? 0) > 0;
  return (
    <div className={classes.value}>
      {signal && looks ? <Looking {...props} signal={signal} /> : null}
      {isPresence(condition.comparator) ? null : <Threshold {...props} />}
    </div>
  );
}

function Threshold({ path, number, condition, choice, signal }: Props) {
  const say = useWords(words);
  const { replace, faultsAt } = useEditing();
  const { threshold, comparator } = condition;
  const family = familyOf(choice.scalar, signal);
  const set = (next: Condition["threshold"]) => replace(path, { ...condition, threshold: next });
  const isWrong = faultsAt(path, "/threshold").length > 0;
  const base = { size: "xs" as const, "aria-label": say("valueOf", { n: number }), error: isWrong, "data-field": "threshold" };
  if (family === "BOOLEAN") return null;
  if (choice.options && !signal) return <OneOf {...base} options={choice.options} isList={isListing(comparator)} threshold={threshold} set={set} />;
  if (isListing(comparator)) {
    if (!signal && condition.matchingValues) return <Listed path={path} number={number} condition={condition} values={condition.matchingValues} />;
    const values = (Array.isArray(threshold) ? threshold : []).map(String);
    const read = (one: string) => (family === "NUMBER" && one.trim() !== "" && Number.isFinite(Number(one)) ? Number(one) : one);
    return (
      <>
        <TagsInput {...base} placeholder={values.length === 0 ? say("values") : undefined} value={values} onChange={(next) => set(next.map(read))} splitChars={[]} />
        {family === "TEXT" && !signal ? <TextBanks path={path} number={number} condition={condition} values={{ strings: values }} clear /> : null}
      </>
    );
  }
  if (family === "NUMBER") {
    const advised = signal?.recommendedThresholds;
    return (
      <>
        <NumberInput {...base} className={classes.number} placeholder={say("number")} value={typeof threshold === "number" || typeof threshold === "string" ? threshold : ""} onChange={(next) => set(next === "" ? null : next)} step={advised ? 0.05 : 1} decimalScale={6} />
        {advised ? <span className="dim t12">{say("advised", { precision: advised.highPrecision, recall: advised.highRecall })}</span> : null}
      </>
    );
  }
  if (family === "ENUM") return <Select {...base} data={[...(signal?.order ?? [])]} value={typeof threshold === "string" ? threshold : null} onChange={set} />;
  if (family === "DATETIME") {
    return <TextInput {...base} type="datetime-local" value={typeof threshold === "string" ? localOf(threshold) : ""} onChange={(event) => set(event.currentTarget.value === "" ? null : instantOf(event.currentTarget.value))} />;
  }
  return <TextInput {...base} placeholder={say("value")} value={threshold === null || threshold === undefined ? "" : String(threshold)} onChange={(event) => set(event.currentTarget.value === "" ? null : event.currentTarget.value)} />;
}

interface OneOfProps {
  readonly options: NonNullable<InputChoice["options"]>;
  readonly isList: boolean;
  readonly threshold: Condition["threshold"];
  readonly set: (next: Condition["threshold"]) => void;
}

/** One of what is known, or several; what a rule names and is known no more stays, by what it is called there. */
function OneOf({ options, isList, threshold, set, ...base }: OneOfProps & { readonly size: "xs"; readonly "aria-label": string; readonly error: boolean; readonly "data-field": string }) {
  const named = (Array.isArray(threshold) ? threshold : threshold === null || threshold === undefined ? [] : [threshold]).map(String);
  const data = [...options, ...named.filter((one) => options.every(({ value }) => value !== one)).map((one) => ({ value: one, label: one }))];
  if (isList) return <MultiSelect {...base} data={data} value={named} onChange={set} searchable />;
  return <Select {...base} data={data} value={named[0] ?? null} onChange={set} searchable allowDeselect={false} />;
}

/** Of a plain input: strings and text banks, of which the value is one. */
function Listed({ path, number, condition, values }: Omit<Props, "choice" | "signal"> & { values: Matching }) {
  return (
    <>
      <Strings path={path} number={number} condition={condition} values={values} />
      <TextBanks path={path} number={number} condition={condition} values={values} />
    </>
  );
}

interface LookingProps {
  readonly path: Path;
  readonly number: string;
  readonly condition: Condition;
  readonly values: Matching;
}

function Strings({ path, number, condition, values, isPattern = false }: LookingProps & { isPattern?: boolean }) {
  const say = useWords(words);
  const { replace, faultsAt } = useEditing();
  const strings = values.strings ?? [];
  const isWrong = faultsAt(path, "/matchingValues", ["/textBankIds", "/locationBankIds", "/imageBankIds"]).length > 0;
  return (
    <TagsInput
      size="xs"
      aria-label={say("stringsOf", { n: number })}
      className={isPattern ? classes.mono : undefined}
      placeholder={strings.length === 0 ? say(isPattern ? "patterns" : "strings") : undefined}
      value={[...strings]}
      onChange={(next) => replace(path, { ...condition, matchingValues: { ...values, strings: next } })}
      error={isWrong}
      splitChars={[]}
      data-field="strings"
    />
  );
}

function TextBanks({ path, number, condition, values, clear = false }: LookingProps & { clear?: boolean }) {
  const { replace, banks } = useEditing();
  // A list is of values or of banks: the first bank takes the values with it.
  const set = (textBankIds: string[]) => replace(path, { ...condition, matchingValues: { ...values, textBankIds }, ...(clear ? { threshold: null } : {}) });
  return <BankSelect path={path} number={number} kind="textBanks" at="/matchingValues/textBankIds" all={banks.texts} value={values.textBankIds ?? []} set={set} />;
}

function Looking({ path, number, condition, signal }: Props & { signal: Signal }) {
  const say = useWords(words);
  const { replace, banks } = useEditing();
  const needs = signal.needsMatchingValues;
  const values = condition.matchingValues ?? {};
  const set = (more: Matching) => replace(path, { ...condition, matchingValues: { ...values, ...more } });
  return (
    <>
      {needs.includes("strings") ? <Strings path={path} number={number} condition={condition} values={values} isPattern={signal.name.endsWith("_REGEX")} /> : null}
      {needs.includes("text_banks") ? <TextBanks path={path} number={number} condition={condition} values={values} /> : null}
      {needs.includes("location_banks") ? <BankSelect path={path} number={number} kind="locationBanks" at="/matchingValues/locationBankIds" all={banks.places} value={values.locationBankIds ?? []} set={(locationBankIds) => set({ locationBankIds })} /> : null}
      {(values.locations?.length ?? 0) > 0 ? <span className="dim t12">{say("ownPlaces", { count: values.locations?.length ?? 0 })}</span> : null}
      {needs.includes("image_banks") ? <BankSelect path={path} number={number} kind="hashBanks" at="/matchingValues/imageBankIds" all={banks.hashes} value={values.imageBankIds ?? []} set={(imageBankIds) => set({ imageBankIds })} /> : null}
    </>
  );
}

interface BankProps {
  readonly path: Path;
  readonly number: string;
  readonly kind: "textBanks" | "locationBanks" | "hashBanks";
  readonly at: string;
  readonly all: readonly BankChoice[];
  readonly value: readonly string[];
  readonly set: (ids: string[]) => void;
}

function BankSelect({ path, number, kind, at, all, value, set }: BankProps) {
  const say = useWords(words);
  const { faultsAt } = useEditing();
  // A bank that is gone stays to be seen, and taken out.
  const gone = value.filter((id) => !all.some((one) => one.id === id)).map((id) => ({ value: id, label: id }));
  const data = [...all.map(({ id, name, count }) => ({ value: id, label: count === null ? name : say("bankEntries", { name, count }) })), ...gone];
  return <MultiSelect size="xs" aria-label={say("banksOf", { n: number })} placeholder={value.length === 0 ? say(kind) : undefined} data={data} value={[...value]} onChange={set} error={faultsAt(path, at).length > 0} searchable />;
}

function localOf(instant: string): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function instantOf(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString();
}
