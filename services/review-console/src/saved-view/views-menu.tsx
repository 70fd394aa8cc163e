/**
 * The views of a page: opened, saved, changed, removed.
 *
 *     <Views page="decisions" value={filters} apply={(value) => …} tell={(value) => "3 filters"} called={…} />
 *
 * `value` is the page's own; `apply` gets what was saved, which the page checks as it does its address;
 * `called` says what its fields and their values are called.
 */
import { ActionIcon, Button, Menu, Radio, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconBookmark, IconChevronDown, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { z } from "zod/mini";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { changesBetween, Differences } from "@/control/difference";
import { sentenceOf } from "@/control/sentence";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { usePermission, useSession } from "@/session/session";
import { absolute } from "@/time/moment";
import { sayer, useWords } from "@/words/words";

import { changeOwn, ownQuery, putShared, readShared, removeShared, same, sharedQuery, viewsOf, type View } from "./query";
import classes from "./saved-view.module.css";
import { words } from "./words";

interface Props {
  readonly page: string;
  readonly value: object;
  readonly apply: (value: unknown) => void;
  /** What a view shows, in a few words. */
  readonly tell: (value: unknown) => string;
  readonly called: Called;
}

interface Called {
  readonly name: (field: string) => string;
  readonly value: (field: string, value: string) => string;
}

const say0 = sayer(words);
const renew = () => queries.invalidateQueries({ queryKey: ["views"] });

export function Views({ page, value, apply, tell, called }: Props) {
  const say = useWords(words);
  const { user } = useSession();
  const manages = usePermission("MANAGE_ORG");
  const own = useQuery(ownQuery);
  const shared = useQuery(sharedQuery(page));
  const views = viewsOf(page, own.data?.kept, shared.data);
  const [isSaving, setSaving] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const [clash, setClash] = useState<{ mine: View; theirs: View } | null>(null);
  // Of several that show the same, the one that was opened.
  const fits = views.filter((one) => same(one.value, value));
  const here = fits.find((one) => one.id === opened) ?? fits[0];
  const changed = here ? undefined : views.find((one) => one.id === opened);
  const mayChange = (view: View) => view.shared === null || view.shared.createdBy === user.id || manages;
  const open = (view: View) => {
    setOpened(view.id);
    apply(view.value);
  };
  const update = async (view: View, revision = view.shared?.revision ?? 0) => {
    try {
      if (view.shared === null) await changeOwn(page, (all) => all.map((one) => (one.id === view.id ? { ...one, value } : one)));
      else await putShared(page, view.id, view.name, value, revision);
      toast(say("saved", { name: view.name }));
      setClash(null);
    } catch (error) {
      const problem = asProblem(error);
      if (problem?.status === 412 && view.shared) {
        const theirs = await readShared(view.id);
        setClash({ mine: view, theirs: { ...view, name: theirs.name, value: theirs.value, shared: theirs } });
      } else if (problem) toast(sentenceOf(problem));
      else throw error;
    } finally {
      await renew();
    }
  };
  const remove = async (view: View) => {
    try {
      if (view.shared === null) await changeOwn(page, (all) => all.filter((one) => one.id !== view.id));
      else await removeShared(view.id, view.shared.revision);
      const restore = () => void (view.shared === null ? changeOwn(page, (all) => [...all, { id: view.id, name: view.name, value: view.value }]) : putShared(page, view.id, view.name, view.value, 0)).then(renew);
      toast(say("removed", { name: view.name }), { undo: { label: say("restore"), run: restore } });
    } catch (error) {
      const problem = asProblem(error);
      if (!problem) throw error;
      toast(sentenceOf(problem));
    } finally {
      await renew();
    }
  };
  const part = (title: string, some: readonly View[]) =>
    some.length === 0 ? null : (
      <>
        <Menu.Label>{title}</Menu.Label>
        {some.map((view) => (
          <div key={view.id} className={classes.line}>
            <Menu.Item onClick={() => open(view)} aria-current={here?.id === view.id ? "true" : undefined} title={tell(view.value)}>
              <span className="user-text">{view.name}</span>
              {view.shared ? <span className="dim t12"> {say("by", { name: view.shared.createdByPerson?.name ?? "" })}</span> : null}
            </Menu.Item>
            {mayChange(view) ? (
              <ActionIcon variant="subtle" size={28} c="var(--dim)" aria-label={say("remove", { name: view.name })} onClick={() => void remove(view)}>
                <IconX size={14} aria-hidden="true" />
              </ActionIcon>
            ) : null}
          </div>
        ))}
      </>
    );
  const failed = own.error ?? shared.error;
  return (
    <>
      <Menu position="bottom-start" width={280}>
        <Menu.Target>
          <Button size="xs" className={classes.button} leftSection={<IconBookmark className="icon" aria-hidden="true" />} rightSection={<IconChevronDown size={14} aria-hidden="true" />}>
            <span className="ell user-text">{here?.name ?? say("views")}</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {failed ? <Problem error={failed} again={() => void renew()} /> : null}
          {part(say("mine"), views.filter((one) => one.shared === null))}
          {part(say("shared"), views.filter((one) => one.shared !== null))}
          {views.length === 0 && !failed ? <Menu.Label>{say("none")}</Menu.Label> : null}
          <Menu.Divider />
          {changed && mayChange(changed) ? <Menu.Item onClick={() => void update(changed)}>{say("update", { name: changed.name })}</Menu.Item> : null}
          <Menu.Item onClick={() => setSaving(true)}>{say("save")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isSaving ? <SaveDialog page={page} value={value} close={() => setSaving(false)} saved={setOpened} /> : null}
      {clash ? (
        <Clash clash={clash} called={called} mine={value} close={() => setClash(null)} keepMine={() => void update(clash.mine, clash.theirs.shared?.revision)} takeTheirs={() => { setClash(null); open(clash.theirs); }} />
      ) : null}
    </>
  );
}

function SaveDialog({ page, value, close, saved }: { page: string; value: object; close: () => void; saved: (id: string) => void }) {
  const say = useWords(words);
  const { input, problem, sending, submit } = useProblemForm({
    schema: z.object({ name: z.string().check(z.trim(), z.minLength(1, { error: () => say0("nameNeeded") }), z.maxLength(255)), whom: z.enum(["me", "all"]) }),
    initialValues: { name: "", whom: "me" as "me" | "all" },
    send: async ({ name, whom }) => {
      const id = crypto.randomUUID();
      if (whom === "me") await changeOwn(page, (all) => [...all, { id, name: name.trim(), value }]);
      else await putShared(page, id, name.trim(), value, 0);
      await renew();
      saved(id);
      toast(say("saved", { name: name.trim() }));
      close();
    },
  });
  return (
    <Dialog opened onClose={close} title={say("saveTitle")} size={380} centered>
      <form className={classes.form} onSubmit={submit} noValidate>
        <FormProblem problem={problem} />
        <TextInput {...input("name")} label={say("name")} maxLength={255} data-autofocus />
        <Radio.Group {...input("whom")} label={say("forWhom")}>
          <div className={classes.whom}>
            <Radio value="me" label={say("forMe")} />
            <Radio value="all" label={say("forAll")} description={say("forAllHint")} />
          </div>
        </Radio.Group>
        <Button type="submit" variant="filled" loading={sending}>
          {say("keep")}
        </Button>
      </form>
    </Dialog>
  );
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function Clash({ clash, called, mine, close, keepMine, takeTheirs }: { clash: { mine: View; theirs: View }; called: Called; mine: object; close: () => void; keepMine: () => void; takeTheirs: () => void }) {
  const say = useWords(words);
  const { theirs } = clash;
  const at = theirs.shared?.updatedAt;
  return (
    <Dialog opened onClose={close} title={theirs.name} size={420} centered>
      <p className="t13 user-text" role="alert">
        {say("changed", { name: theirs.shared?.updatedByPerson?.name ?? "", when: at ? absolute(at, false) : "" })}
      </p>
      <Differences changes={changesBetween(asObject(theirs.value), mine)} named={called.name} valued={called.value} was={say("theirs")} is={say("yours")} />
      <div className={`row g8 ${classes.choices ?? ""}`}>
        <Button onClick={takeTheirs}>{say("takeTheirs")}</Button>
        <Button variant="filled" onClick={keepMine}>
          {say("keepMine")}
        </Button>
      </div>
    </Dialog>
  );
}
