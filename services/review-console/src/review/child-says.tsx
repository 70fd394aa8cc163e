/** What the report says besides media and messages: the incident, its circumstances, urgency, words. */
import { Checkbox, MultiSelect, Select } from "@mantine/core";

import { Writing } from "@/control/writing";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import { Persons } from "./child-persons";
import { words } from "./child-words";
import type { Context } from "./context";
import { CIRCUMSTANCES, INCIDENTS, type Circumstance, type Incident, type Report } from "./report";

export type Put = (next: Partial<Report>) => void;

export function Says({ context, report, say: put }: { context: Context; report: Report; say: Put }) {
  const say = useWords(words);
  return (
    <section className={classes.part}>
      <Select size="sm" label={say("incident")} allowDeselect={false} data={INCIDENTS.map((one) => ({ value: one, label: say(one) }))} value={report.incident} onChange={(next) => put({ incident: next as Incident })} comboboxProps={{ withinPortal: true }} />
      <MultiSelect
        size="sm"
        label={<Optional text={say("circumstances")} hint={say("labelsHint")} />}
        hidePickedOptions
        placeholder={report.circumstances.length === 0 ? say("labelsAdd") : undefined}
        data={CIRCUMSTANCES.map((one) => ({ value: one, label: say(one) }))}
        value={[...report.circumstances]}
        onChange={(next) => put({ circumstances: next as Circumstance[] })}
      />
      <Persons context={context} of="victims" persons={report.victims} put={(victims) => put({ victims })} />
      <Persons context={context} of="recipients" persons={report.recipients} put={(recipients) => put({ recipients })} />
      <div>
        <div className="row g8">
          <Checkbox size="xs" label={say("priority")} checked={report.highPriority !== null} onChange={(event) => put({ highPriority: event.currentTarget.checked ? "" : null })} />
          <span className="dim t12 end">{say("priorityAsks")}</span>
        </div>
        {report.highPriority === null ? null : (
          <Writing lines={[2, 6]} mt={4} aria-label={say("priorityReason")} maxLength={3000} placeholder={say("priorityHint")} value={report.highPriority} onChange={(event) => put({ highPriority: event.currentTarget.value })} />
        )}
      </div>
      <Writing lines={[2, 8]} label={<Optional text={say("details")} hint={say("detailsHint")} />} maxLength={10_000} placeholder={say("detailsPlaceholder")} value={report.additionalInfo} onChange={(event) => put({ additionalInfo: event.currentTarget.value })} />
    </section>
  );
}

function Optional({ text, hint }: { text: string; hint: string }) {
  return (
    <span className="row g8">
      {text}
      <span className="dim t12" style={{ fontWeight: 400 }}>
        {hint}
      </span>
    </span>
  );
}
