/**
 * What a routing rule asks: in words, and as a tree to be changed.
 *
 * Guarantees: the sentence is of what is written now; faults of review-api stand at the condition that
 * they are of.
 */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { ConditionEditor } from "@/condition/editor";
import { clauseOf, isSet, sentenceOf } from "@/condition/sentence";
import { words as conditionWords } from "@/condition/words";
import { useNames } from "@/configuration/names";
import { useCalled } from "@/rule/parts";
import { partsQuery } from "@/rule/query";
import { Faults, Part } from "@/settings/document-form";
import { clearUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { useNamedIds } from "./asks";
import { named, routingQuery, SOURCE_INPUTS, type ConditionSet, type RoutingRule, type Values } from "./routing";
import classes from "./routing.module.css";
import { words } from "./words";

const EMPTY: ConditionSet = { conjunction: "AND", conditions: [] };
const NONE = { signals: [], banks: { texts: [], places: [], hashes: [] } };

export function ConditionPart({ form }: { form: DocumentForm<RoutingRule, Values> }) {
  const say = useWords(words);
  const sayCondition = useWords(conditionWords);
  const names = useNames();
  const called = useCalled();
  const byName = useNamedIds();
  const { signals, banks } = useQuery({ ...partsQuery, retry: false }).data ?? NONE;
  const { values, errors } = form.form;
  const set = values.conditionSet ?? EMPTY;
  const types = names.itemTypes.filter((one) => values.itemTypeIds.includes(one.id));
  const routing = useMemo(
    () => ({
      policies: names.policies.map(({ id }) => ({ value: id, label: names.policy(id) })),
      sources: Object.entries(SOURCE_INPUTS).map(([source, value]) => ({ value, label: say(source as keyof typeof SOURCE_INPUTS) })),
    }),
    [names, say],
  );
  const change = (next: ConditionSet) => {
    clearUnder(form, "conditionSet");
    form.form.setFieldValue("conditionSet", next);
  };
  const faults = Object.entries(errors).flatMap(([at, reason]) => (reason && at.startsWith("conditionSet.") ? [{ pointer: `/${at.slice("conditionSet.".length).replaceAll(".", "/")}`, reason: String(reason) }] : []));
  const whole = errors.conditionSet;
  return (
    <Part title={say("conditionSet")}>
      <div className={classes.condition}>
        <p className={`${classes.sentence ?? ""} user-text`} aria-live="polite">
          {sentenceOf(named(set, byName), called, sayCondition)}
        </p>
        <From taken={change} not={form.base?.id} />
        {types.length > 0 ? (
          <ConditionEditor set={set} change={change} itemTypes={types} signals={signals} banks={banks} says={(part) => (isSet(part) ? sentenceOf(named(part, byName), called, sayCondition) : clauseOf(part, called, sayCondition))} faults={faults} routing={routing} />
        ) : (
          <p className="dim t13">{say("conditionTypes")}</p>
        )}
        <Faults of={whole ? [String(whole)] : []} />
      </div>
    </Part>
  );
}

/** Another rule's condition, to be changed to what this one asks. */
function From({ taken, not }: { taken: (set: ConditionSet) => void; not: string | undefined }) {
  const say = useWords(words);
  const others = (useQuery(routingQuery).data ?? []).filter((one) => one.id !== not);
  if (others.length === 0) return null;
  const take = (id: string | null) => {
    const found = others.find((one) => one.id === id);
    if (found) taken(found.conditionSet);
  };
  return <Select size="xs" label={say("conditionFrom")} placeholder={say("conditionFromNone")} value={null} onChange={take} data={others.map((one) => ({ value: one.id, label: one.name }))} searchable />;
}
