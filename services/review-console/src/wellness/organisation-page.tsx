/** How media are veiled for everybody who chose nothing of their own, and when breaks are advised. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import type { Schema } from "@/api/client";
import { queries } from "@/api/query";
import { changesBetween, Differences } from "@/control/difference";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { FormProblem } from "@/form/form-problem";
import { LeaveGuard } from "@/form/leave-guard";
import { useProblemForm } from "@/form/use-problem-form";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { appName } from "@/shell/title";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import { ChoiceFields } from "./choice-fields";
import { keepForAll, settingsQuery } from "./organisation";
import classes from "./wellness.module.css";
import { Choice } from "./wellness";
import { words } from "./words";

type Settings = Schema["SettingsView"];

export function OrganisationWellnessPage() {
  const say = useWords(words);
  const may = usePermission("MANAGE_ORG");
  useEffect(() => {
    document.title = `${say("organisationTitle")} · ${appName}`;
  });
  if (!may) {
    return (
      <Empty title={say("organisationClosed")} next={<Link to="/settings/account">{say("toOwn")}</Link>}>
        {say("organisationNeeds", { needs: calledBy("MANAGE_ORG") })}
      </Empty>
    );
  }
  return (
    <>
      <header className={classes.head}>
        <h1>{say("organisationTitle")}</h1>
      </header>
      <div className={classes.page}>
        <section className={classes.part} aria-label={say("organisationTitle")}>
          <header>
            <h2>{say("forAll")}</h2>
            <p className="dim t12">{say("forAllHint")}</p>
          </header>
          <div>
            <Pane>
              <Loaded />
            </Pane>
          </div>
        </section>
      </div>
    </>
  );
}

function Loaded() {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  return data ? <Form settings={data} /> : <Skeleton lines={10} />;
}

function Form({ settings }: { settings: Settings }) {
  const say = useWords(words);
  // As they were when the form was begun: what comes later is somebody else's, and is compared.
  const [from, setFrom] = useState(settings);
  const [isKept, setKept] = useState(false);
  const [isMine, setMine] = useState(false);
  const form = useProblemForm({
    schema: Choice,
    initialValues: Choice.parse(settings.defaultWellness),
    send: async (values) => {
      await keepForAll(from, values);
      setFrom(queries.getQueryData(settingsQuery.queryKey) ?? from);
      setKept(true);
      setMine(false);
    },
  });
  const isClash = form.problem?.status === 412;
  useEffect(() => {
    if (isClash) void queries.invalidateQueries({ queryKey: settingsQuery.queryKey });
  }, [isClash]);
  const takeMine = () => {
    setFrom(settings);
    setMine(true);
  };
  const foot = (
    <>
      <Button type="submit" variant="filled" loading={form.sending}>
        {say("save")}
      </Button>
      <span role="status" className="t13">
        {isKept ? say("saved") : null}
      </span>
    </>
  );
  return (
    <form className={classes.form} onSubmit={form.submit} onChange={() => setKept(false)}>
      <LeaveGuard dirty={form.dirty} />
      <ChoiceFields form={form} foot={foot} above={isClash ? <Clash theirs={settings} mine={form.form.values} isRead={isMine || from.revision !== settings.revision} isMine={isMine} keepMine={takeMine} /> : <FormProblem problem={form.problem} />} />
    </form>
  );
}

/** Whose change it was, and what differs; saving again is then over what was seen. */
function Clash({ theirs, mine, isRead, isMine, keepMine }: { theirs: Settings; mine: Choice; isRead: boolean; isMine: boolean; keepMine: () => void }) {
  const say = useWords(words);
  if (!isRead) return <Skeleton lines={3} />;
  return (
    <div role="alert" className="t13">
      <p className="user-text">{say("changedMeanwhile", { name: theirs.updatedByPerson?.name ?? "", when: absolute(theirs.updatedAt, false) })}</p>
      <Differences changes={changesBetween(Choice.parse(theirs.defaultWellness), mine)} named={(name) => (Object.hasOwn(Choice.def.shape, name) ? say(name as keyof Choice) : name)} was={say("theirs")} is={say("mine")} />
      {isMine ? (
        <p>{say("saveAgain")}</p>
      ) : (
        <Button size="xs" onClick={keepMine}>
          {say("keepMine")}
        </Button>
      )}
    </div>
  );
}
