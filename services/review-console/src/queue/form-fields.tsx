/** The fields of a queue, in the order in which somebody sets one up. */
import { Checkbox, MultiSelect, NumberInput, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useNames } from "@/configuration/names";
import { peopleQuery } from "@/configuration/query";
import { useRoles } from "@/people/roles";
import { calledBy } from "@/session/permission";
import { Faults, Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { faultsUnder, type DocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import { BEGINS, DISPOSITIONS, kindOf, KINDS, ORDERS, SCOPES, type Kind, type Queue, type Values } from "./form";
import { words } from "./form-words";
import own from "./form.module.css";

type Form = DocumentForm<Queue, Values>;
const REVIEWING = ["MODERATOR", "MODERATOR_MANAGER", "CHILD_SAFETY_MODERATOR", "EXTERNAL_MODERATOR", "ADMIN"];

/** Of a new queue: what it is for, by which its clock and order begin. */
function KindChoice({ form }: { form: Form }) {
  const say = useWords(words);
  const kind = kindOf(form.form.values);
  return (
    <div>
      <SegmentedControl size="xs" aria-label={say("kind")} value={kind ?? ""} onChange={(next) => form.form.setValues(BEGINS[next as Kind])} data={KINDS.map((one) => ({ value: one, label: say(one) }))} />
      <p className="dim t12">{say("kindHint", { kind: kind ?? "none" })}</p>
    </div>
  );
}

export function QueueFields({ form }: { form: Form }) {
  const say = useWords(words);
  const { input } = form;
  const isDefault = form.base?.isDefaultQueue ?? false;
  const toggle = (name: "isAppealsQueue" | "isPaused" | "isDefaultQueue", hint: string, disabled = false) => <Switch {...form.form.getInputProps(name, { type: "checkbox" })} size="xs" label={say(name)} description={hint} disabled={disabled} />;
  return (
    <>
      <div className={classes.lines}>
        {form.base === null ? <KindChoice form={form} /> : null}
        <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
        <TextInput {...input("description")} size="xs" label={say("description")} placeholder={say("descriptionHint")} />
        <div className={own.switches}>
          {toggle("isPaused", say("isPausedHint"))}
          {toggle("isAppealsQueue", say("isAppealsHint"))}
          {toggle("isDefaultQueue", isDefault ? say("isDefaultFixed") : say("isDefaultHint"), isDefault)}
        </div>
        <Faults of={[...faultsUnder(form, "isAppealsQueue"), ...faultsUnder(form, "isDefaultQueue"), ...faultsUnder(form, "isPaused")]} />
      </div>
      <Access form={form} />
      <Order form={form} />
      <Automations form={form} />
      <Part title={say("quality")}>
        <div className={own.lines}>
          <NumberInput {...input("secondReviewShare")} size="xs" label={say("secondReviewShare")} description={say("secondHint")} suffix=" %" min={0} max={100} decimalScale={2} />
          <NumberInput {...input("goldenShare")} size="xs" label={say("goldenShare")} description={say("goldenHint")} suffix=" %" min={0} max={100} decimalScale={2} />
        </div>
      </Part>
    </>
  );
}

function Access({ form }: { form: Form }) {
  const say = useWords(words);
  const { input } = form;
  const { openToEveryone, reviewerIds, reviewerRoles } = form.form.values;
  const roles = useRoles();
  const people = useQuery(peopleQuery).data ?? [];
  const known = roles.list.length > 0 ? roles.list.map((one) => ({ value: one.id, label: one.name })) : [...new Set([...REVIEWING, ...reviewerRoles])].map((value) => ({ value, label: calledBy(value) }));
  const isNobody = !openToEveryone && reviewerIds.length === 0 && reviewerRoles.length === 0;
  return (
    <Part title={say("access")} facts={say("accessHint")}>
      <div className={own.lines}>
        <Switch {...form.form.getInputProps("openToEveryone", { type: "checkbox" })} size="xs" label={say("openToEveryone")} />
        <MultiSelect {...input("reviewerRoles")} error={faultsUnder(form, "reviewerRoles")[0]} size="xs" label={say("reviewerRoles")} data={known} searchable />
        <MultiSelect {...input("reviewerIds")} error={faultsUnder(form, "reviewerIds")[0]} size="xs" label={say("reviewerIds")} data={people.map((one) => ({ value: one.id, label: one.name }))} searchable />
        {isNobody ? <p className="t12 high">{say("nobody")}</p> : null}
        <Faults of={faultsUnder(form, "openToEveryone")} />
      </div>
    </Part>
  );
}

function Order({ form }: { form: Form }) {
  const say = useWords(words);
  const { input } = form;
  const weight = (name: "report" | "reporter" | "severity", label: string) => <NumberInput {...form.form.getInputProps(`weights.${name}`)} size="xs" label={label} min={0} className={own.weight} />;
  return (
    <Part title={say("orderPart")}>
      <div className={own.lines}>
        <Select {...input("order")} size="xs" className={own.short} label={say("order")} data={ORDERS.map((value) => ({ value, label: say(value) }))} />
        {form.form.values.order === "WEIGHTED" ? (
          <div>
            <p className="dim t12">{say("weights")}</p>
            <div className={own.weights}>
              {weight("report", say("weightReport"))}
              {weight("reporter", say("weightReporter"))}
              {weight("severity", say("weightSeverity"))}
            </div>
          </div>
        ) : null}
        <Faults of={faultsUnder(form, "weights", ["report", "reporter", "severity"])} />
        <NumberInput {...input("targetMinutes")} size="xs" label={say("targetMinutes")} description={say("targetHint")} min={1} allowDecimal={false} thousandSeparator="," />
      </div>
    </Part>
  );
}

function Automations({ form }: { form: Form }) {
  const say = useWords(words);
  const { actions } = useNames();
  const { input } = form;
  const values = form.form.values;
  const data = actions.filter((one) => one.actionType === "CUSTOM_ACTION").map((one) => ({ value: one.id, label: one.name }));
  return (
    <Part title={say("automations")}>
      <div className={own.lines}>
        <MultiSelect {...input("hiddenActionIds")} error={faultsUnder(form, "hiddenActionIds")[0]} size="xs" label={say("hiddenActionIds")} description={say("hiddenHint")} data={data} searchable />
        <Checkbox {...form.form.getInputProps("autoCloseJobs", { type: "checkbox" })} size="xs" label={say("autoCloseJobs")} description={values.isAppealsQueue ? say("autoCloseAppeals") : undefined} />
        <Select {...input("clearReportsDisposition")} size="xs" className={own.short} label={say("disposition")} description={say("clearHint")} placeholder={say("dispositionNone")} clearable data={DISPOSITIONS.map((value) => ({ value: value as string, label: say(value) }))} />
        {values.clearReportsDisposition === null ? null : (
          <>
            <SegmentedControl {...input("clearReportsScope")} size="xs" className={own.start} aria-label={say("scope")} data={SCOPES.map((value) => ({ value, label: say(value) }))} />
            <MultiSelect {...input("clearReportsTriggerActionIds")} error={faultsUnder(form, "clearReportsTriggerActionIds")[0]} size="xs" label={say("clear")} data={data} searchable />
          </>
        )}
      </div>
    </Part>
  );
}
