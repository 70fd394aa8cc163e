/** What is still missing before reporting can be on, and from which queues reports are real. */
import { Button, Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconAlertCircle, IconCircleCheck } from "@tabler/icons-react";

import { queuesQuery } from "@/configuration/query";
import type { ProblemForm } from "@/form/use-problem-form";
import { Severity } from "@/look/severity";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { NEEDED, type Needed, type Settings, type Values } from "./ncmec";
import { CheckedWith } from "./ncmec-schema";
import { words } from "./ncmec-words";

interface Props {
  readonly form: ProblemForm<Values>;
  readonly from: Settings;
  readonly missing: readonly Needed[];
  readonly fill: (name: Needed) => void;
}

export function Aside({ form, from, missing, fill }: Props) {
  const say = useWords(words);
  const isQueueThere = useSession().org.ncmec.reason !== "NO_QUEUE";
  return (
    <>
      <section className={classes.checks}>
        <div className="row g8">
          <h2>{say("checks")}</h2>
          <span className="end t13">{missing.length > 0 ? <Severity level="severe">{say("checksMissing", { count: missing.length })}</Severity> : <span className="done">{say("checksDone")}</span>}</span>
        </div>
        {NEEDED.map((one) => (
          <Check key={one} name={say(one)} isThere={!missing.includes(one)} text={say(missing.includes(one) ? "checkNeeded" : "checkThere")}>
            {missing.includes(one) ? (
              <Button size="compact-sm" variant="subtle" onClick={() => fill(one)}>
                {say("fillIn")}
              </Button>
            ) : null}
          </Check>
        ))}
        <Check name={say("checkQueue")} isThere={isQueueThere} text={say(isQueueThere ? "checkThere" : "checkQueueMissing")} />
      </section>
      <Queues form={form} from={from} />
      <CheckedWith />
      <p className={classes.foot}>
        <Link to="/child-safety">{say("toReports")}</Link>
      </p>
    </>
  );
}

function Check({ name, isThere, text, children }: { name: string; isThere: boolean; text: string; children?: React.ReactNode }) {
  return (
    <div className={classes.check}>
      {isThere ? <IconCircleCheck size={18} className="done" aria-hidden="true" /> : <IconAlertCircle size={18} className="severe" aria-hidden="true" />}
      <span>
        <b className="med">{name}</b>
        <br />
        <span className="dim t12">{text}</span>
      </span>
      {children}
    </div>
  );
}

/** A report is real from a marked queue alone, and only where the operator files real ones. */
function Queues({ form, from }: Pick<Props, "form" | "from">) {
  const say = useWords(words);
  const queues = (useQuery(queuesQuery).data ?? []).filter((one) => !one.isAppealsQueue);
  const marked = form.form.values.productionQueueIds;
  const mark = (id: string, isOn: boolean) => form.form.setFieldValue("productionQueueIds", isOn ? [...marked, id] : marked.filter((one) => one !== id));
  return (
    <section aria-label={say("byQueue")}>
      <div className={classes.sidehead}>
        <div className="row g8">
          <h2>{say("byQueue")}</h2>
          <span className="dim t12 end">{say("byQueueHint")}</span>
        </div>
        <p className="dim t12">{say(from.filesReal ? "operatorReal" : "operatorTest")}</p>
      </div>
      <table className={classes.queues}>
        <thead>
          <tr>
            <th scope="col">{say("queue")}</th>
            <th scope="col">{say("goesTo")}</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((one) => {
            const isMarked = marked.includes(one.id);
            return (
              <tr key={one.id} data-real={isMarked || undefined}>
                <td>
                  <Checkbox size="xs" classNames={{ label: "user-text" }} label={one.name} aria-label={say("markReal", { queue: one.name })} checked={isMarked} onChange={(event) => mark(one.id, event.currentTarget.checked)} />
                </td>
                <td>{isMarked ? <b>{say(from.filesReal ? "real" : "realIf")}</b> : <span className="dim">{say("test")}</span>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
