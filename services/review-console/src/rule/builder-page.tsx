/**
 * A rule being built: its sentence, its conditions, what follows; beside it what it makes of items.
 *
 * Guarantees: the sentence is made of the conditions as they are typed; every fault the server names is
 * at what it is of; nothing that was entered is lost by a reload, a refusal or another's change.
 */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { ConditionEditor } from "@/condition/editor";
import { isSet, clauseOf, sentenceOf } from "@/condition/sentence";
import { LinkedSentence } from "@/condition/linked-sentence";
import { words as conditionWords } from "@/condition/words";
import { useNames, type Names } from "@/configuration/names";
import { Empty, Pane } from "@/control/state";
import { calledBy } from "@/session/permission";
import { useSession } from "@/session/session";
import { Changed } from "@/settings/changed";
import { DocumentFields, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import settings from "@/settings/settings.module.css";
import { clearUnder, useDocumentForm } from "@/settings/use-document-form";
import { useWords } from "@/words/words";

import classes from "./builder.module.css";
import { words } from "./builder-words";
import { copyOf, bodyOf, PATHS, read, save, Values, valuesOf } from "./draft";
import { AskApproval } from "./ask-approval";
import { RuleFields } from "./rule-fields";
import { StatusMark, useCalled } from "./parts";
import { partsQuery, ruleQuery, type Rule } from "./query";
import { TryPane } from "./try-pane";
import { useVerdict, type Tried } from "./verdict";
import { passOn, takeWritten, triedOf } from "./written";

interface Props {
  /** Null: a new one. */
  readonly ruleId: string | null;
  /** Of a new one: which it is a copy of. */
  readonly copied?: string;
}

export function BuilderPage({ ruleId, copied }: Props) {
  const say = useWords(words);
  const { permissions } = useSession();
  const names = useNames();
  const gone = { title: say("gone"), text: say("goneText"), back: <Link to="/rules">{say("toList")}</Link> };
  if (!permissions.includes("MUTATE_NON_LIVE_RULES") && !permissions.includes("MUTATE_LIVE_RULES")) return <Empty title={say("mayNot")}>{say("mayNotText", { needs: calledBy("MUTATE_NON_LIVE_RULES") })}</Empty>;
  return (
    <DocumentPage id={ruleId ?? copied ?? null} query={ruleQuery} gone={gone}>
      {(rule) =>
        ruleId !== null && rule?.status === "LIVE" && !permissions.includes("MUTATE_LIVE_RULES") ? (
          <Empty title={say("mayNot")} next={<Link to="/rules/$ruleId" params={{ ruleId }}>{say("toRule")}</Link>}>
            {say("mayNotText", { needs: calledBy("MUTATE_LIVE_RULES") })}
          </Empty>
        ) : (
          <Builder key={ruleId ?? copied ?? "new"} rule={ruleId === null ? null : rule} copied={ruleId === null ? rule : null} names={names} />
        )
      }
    </DocumentPage>
  );
}

function Builder({ rule, copied, names }: { rule: Rule | null; copied: Rule | null; names: Names }) {
  const say = useWords(words);
  const sayCondition = useWords(conditionWords);
  const navigate = useNavigate();
  const { data: parts } = useQuery({ ...partsQuery, retry: false });
  const toRule = (id: string) => {
    passOn(id);
    void navigate({ to: "/rules/$ruleId/edit", params: { ruleId: id }, replace: true, ignoreBlocker: true });
  };
  const form = useDocumentForm({
    document: rule,
    schema: Values,
    valuesOf: (one: Rule | null) => (one === null && copied !== null ? copyOf(copied) : valuesOf(one)),
    paths: PATHS,
    save,
    read,
    saved: useSaved(ruleQuery, toRule),
    keepAs: `rule.${rule?.id ?? (copied ? `copy.${copied.id}` : "new")}`,
  });
  const { base } = form;
  const toPage = () => {
    form.discard();
    if (base) void navigate({ to: "/rules/$ruleId", params: { ruleId: base.id }, ignoreBlocker: true });
  };
  const values = form.form.values;
  const [tried, setTried] = useState<Tried>(() => {
    const { typeId, values: before } = takeWritten(rule?.id ?? null);
    const looked = names.itemTypes.filter((one) => rule?.itemTypeIds.includes(one.id));
    return triedOf(before, looked.find((one) => one.id === typeId) ?? looked[0]);
  });
  const body = useMemo(() => bodyOf(values), [values]);
  const verdict = useVerdict(body, tried);
  const types = names.itemTypes.filter((one) => values.itemTypeIds.includes(one.id));
  const called = useCalled();
  const refused = Object.entries(form.form.errors).flatMap(([path, reason]) => (reason ? [{ pointer: `/${path.replaceAll(".", "/")}`, reason: String(reason) }] : []));
  const faults = [...verdict.faults, ...refused.filter((one) => !verdict.faults.some(({ pointer, reason }) => pointer === one.pointer && reason === one.reason))];
  const below = faults.flatMap(({ pointer, reason }) => (pointer.startsWith("/conditionSet") ? [{ pointer: pointer.slice("/conditionSet".length), reason }] : []));
  // Of a page that nothing was entered on, nothing is wrong yet.
  const isBegun = base !== null || form.dirty || copied !== null;
  const shown = isBegun ? below : [];
  const named = (field: string) => (Object.hasOwn(Values.def.shape, field) ? say(`field_${field as keyof Values}`) : field);
  const comparable = (one: Rule) => ({ ...valuesOf(one), conditionSet: sentenceOf(one.conditionSet, called, sayCondition) });
  const cost = base?.cost ?? [];
  return (
    <>
      <SettingsHead
        title={base?.name ?? say("newTitle")}
        within={{ to: "/rules", name: say("title") }}
        facts={
          base ? (
            <>
              <StatusMark status={base.status} />
              <Changed document={base} />
            </>
          ) : null
        }
      >
        {cost.length > 0 ? <span className="badge">{say("costs", { ms: Math.max(...cost.map((one) => one.alone)) })}</span> : null}
        {isBegun && faults.length > 0 ? (
          <Button size="xs" variant="subtle" className="severe" onClick={toFault}>
            {say("faults", { count: faults.length })}
          </Button>
        ) : null}
        {base ? <Link to="/rules/$ruleId" params={{ ruleId: base.id }}>{say("toRule")}</Link> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={settings.page}>
        <div>
          <DocumentFields form={form} valuesOf={comparable} mine={{ ...values, conditionSet: sentenceOf(values.conditionSet, called, sayCondition) }} named={named} valued={(field, value) => ({ actionIds: names.action, policyIds: names.policy, itemTypeIds: names.itemType })[field as "actionIds"]?.(value) ?? value}>
            {base !== null && form.problem?.kind === "needs-approval" ? <AskApproval base={base} body={body} asked={toPage} /> : null}
            <p className={`${classes.sentence ?? ""} user-text`} aria-live="polite">
              <span className="dim">{types.length > 0 ? say("when", { types: types.map((one) => one.name).join(` ${say("or")} `) }) : say("whenNone")} </span>
              <LinkedSentence set={values.conditionSet} called={called} faults={shown.map(({ pointer }) => pointer)} />
              <span className="dim"> → </span>
              <b>{values.actionIds.length > 0 ? values.actionIds.map(names.action).join(", ") : say("nothingThen")}</b>
            </p>
            <RuleFields form={form} names={names} faults={isBegun ? faults : []} part="first" />
            {types.length > 0 ? (
              <section aria-label={say("conditions")}>
                <ConditionEditor
                  set={values.conditionSet}
                  change={(set) => {
                    clearUnder(form, "conditionSet");
                    form.form.setFieldValue("conditionSet", set);
                  }}
                  itemTypes={types}
                  signals={parts?.signals ?? NONE}
                  banks={parts?.banks ?? NO_BANKS}
                  says={(part) => (isSet(part) ? sentenceOf(part, called, sayCondition) : clauseOf(part, called, sayCondition))}
                  faults={shown}
                  found={tried.kind === "NONE" ? null : verdict.answer?.conditions}
                />
              </section>
            ) : (
              <p className={settings.note}>{say("typesFirst")}</p>
            )}
            <RuleFields form={form} names={names} faults={isBegun ? faults : []} part="then" />
          </DocumentFields>
        </div>
        <div className={settings.beside}>
          <Pane>
            <TryPane body={body} verdict={verdict} tried={tried} setTried={setTried} types={types} ruleId={base?.id ?? null} pageOf={rule?.id ?? null} isDirty={form.dirty || base === null} />
          </Pane>
        </div>
      </div>
    </>
  );
}

const NONE: never[] = [];
const NO_BANKS = { texts: NONE, places: NONE, hashes: NONE };

/** The next one below what has the focus, else the first. */
function toFault(): void {
  const faulty = [...document.querySelectorAll<HTMLElement>("[data-fault]")];
  const now = document.activeElement;
  const next = faulty.find((one) => now !== null && now.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !one.parentElement?.contains(now)) ?? faulty[0];
  const within = next?.parentElement;
  (within?.querySelector<HTMLElement>("[data-at]") ?? within?.querySelector<HTMLElement>("input, button, textarea"))?.focus();
}
