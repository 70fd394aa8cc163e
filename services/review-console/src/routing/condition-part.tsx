/**
 * What a routing rule asks: in words as it was saved, and as text to be changed.
 *
 * Guarantees: text that is no condition is kept where it is and refused when it is saved; faults of
 * review-api stand below, each with its place.
 */
import { Button, JsonInput, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Faults, Part } from "@/settings/document-form";
import { clearUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { useNamedAsks } from "./asks";
import { isConditionSet, routingQuery, type ConditionSet, type RoutingRule, type Values } from "./routing";
import classes from "./routing.module.css";
import { words } from "./words";

function written(set: ConditionSet | null): string {
  return set === null ? "" : JSON.stringify(set, null, 2);
}

function readFrom(text: string): ConditionSet | null {
  try {
    const read: unknown = JSON.parse(text);
    return isConditionSet(read) ? read : null;
  } catch {
    return null;
  }
}

export function ConditionPart({ form }: { form: DocumentForm<RoutingRule, Values> }) {
  const say = useWords(words);
  const asks = useNamedAsks();
  const { base } = form;
  const [isOpen, setOpen] = useState(base === null);
  const held = written(form.form.values.conditionSet);
  const [typed, setTyped] = useState({ of: held, text: held });
  // Discarded, or somebody else's was taken: what was typed is of another condition.
  const text = typed.of === held ? typed.text : held;
  const type = (next: string) => {
    const set = readFrom(next);
    clearUnder(form, "conditionSet");
    setTyped({ of: written(set), text: next });
    form.form.setFieldValue("conditionSet", set);
  };
  const faults = Object.entries(form.form.errors).flatMap(([at, reason]) => {
    if (!reason || (at !== "conditionSet" && !at.startsWith("conditionSet."))) return [];
    const place = at.slice("conditionSet.".length);
    return [place ? `${place.replaceAll(".", "/")}: ${String(reason)}` : String(reason)];
  });
  return (
    <Part title={say("conditionSet")}>
      <div className={classes.condition}>
        {base ? (
          <>
            <p className={`${classes.sentence ?? ""} user-text`}>{asks(base)}</p>
            {held === written(base.conditionSet) ? null : <p className="dim t12">{say("conditionSaved")}</p>}
          </>
        ) : text === "" ? (
          <p className="dim t13">{say("conditionNone")}</p>
        ) : null}
        {base ? (
          <Button size="xs" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {say(isOpen ? "conditionHide" : "conditionEdit")}
          </Button>
        ) : null}
        {isOpen ? (
          <>
            <From taken={(set) => type(written(set))} not={base?.id} />
            <JsonInput size="xs" label={say("conditionText")} description={say("conditionHint")} value={text} onChange={type} minRows={6} maxRows={24} autosize spellCheck={false} error={faults.length > 0} />
          </>
        ) : null}
        <Faults of={faults} />
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
