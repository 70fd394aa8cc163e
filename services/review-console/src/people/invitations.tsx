/** Invitations that are open, and a new one. Without a mail server the link is shown once, to be sent on. */
import { Button, Checkbox, Group, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconMail } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { sentenceOf } from "@/control/sentence";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { Code, CopyButton } from "@/settings/code";
import classes from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { sayer, useWords } from "@/words/words";

import own from "./people.module.css";
import { invitationsQuery, renewPeople, type Invitation } from "./query";
import { useRoles } from "./roles";
import { words } from "./words";

type Sent = Schema["SentView"];
const say0 = sayer(words);

export function Invitations() {
  const say = useWords(words);
  const roles = useRoles();
  const { data, error, refetch } = useQuery(invitationsQuery);
  const [sent, setSent] = useState<Sent | null>(null);
  const open = data?.filter((one) => one.state === "OPEN") ?? [];
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (open.length === 0 && !sent) return null;
  const run = async (work: () => Promise<unknown>) => {
    try {
      await work();
      renewPeople();
    } catch (refused) {
      const problem = asProblem(refused);
      if (!problem) throw refused;
      toast(sentenceOf(problem));
    }
  };
  const path = (one: Invitation) => ({ params: { path: { invitation_id: one.id } } });
  const again = (one: Invitation) => run(async () => told(await take(api.POST("/v1/invitations/{invitation_id}/resend", path(one))), setSent));
  const withdraw = (one: Invitation) =>
    run(async () => {
      await take(api.DELETE("/v1/invitations/{invitation_id}", path(one)));
      toast(say("withdrawn", { email: one.email }));
    });
  return (
    <section className={own.invitations} aria-label={say("invitations")}>
      <header>
        <h2>{say("invitations")}</h2>
        <span className="dim t12">{say("invitationsHint", { count: open.length })}</span>
      </header>
      <ul>
        {open.map((one) => (
          <li key={one.id}>
            <IconMail className="icon dim" aria-hidden="true" />
            <span className="user-text grow ell">{one.email}</span>
            <span className="user-text">{roles.name(one.role)}</span>
            <span className="dim user-text">{one.sentByPerson ? say("invitedBy", { name: one.sentByPerson.name }) : null}</span>
            <span className="dim">
              {say.rich("daysLeft", { when: <Moment at={one.expiresAt} dated /> })}
              {one.requiresApproval ? ` · ${say("needsApproval")}` : null}
            </span>
            <span className={classes.rowtools}>
              <Button size="compact-xs" onClick={() => void again(one)} aria-label={`${say("sendAgain")} ${one.email}`}>
                {say("sendAgain")}
              </Button>
              <Button size="compact-xs" variant="subtle" onClick={() => void withdraw(one)} aria-label={`${say("withdraw")} ${one.email}`}>
                {say("withdraw")}
              </Button>
            </span>
          </li>
        ))}
      </ul>
      {sent ? <SentLink sent={sent} close={() => setSent(null)} /> : null}
    </section>
  );
}

/** Mailed, or to be shown. */
function told(sent: Sent, show: (sent: Sent) => void): void {
  if (sent.link === null) toast(say0("mailed", { email: sent.email }));
  else show(sent);
}

function SentLink({ sent, close }: { sent: Sent; close: () => void }) {
  const say = useWords(words);
  return (
    <OneLink title={say("linkTitle", { email: sent.email })} link={sent.link ?? ""} close={close}>
      {say.rich("linkText", { when: <Moment at={sent.expiresAt} dated /> })}
    </OneLink>
  );
}

/** A link that is shown once. */
export function OneLink({ title, link, close, children }: { title: string; link: string; close: () => void; children: ReactNode }) {
  const say = useWords(words);
  return (
    <Dialog opened onClose={close} title={title} centered size="lg" closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      <div className={classes.once}>
        <p className="t13">{children}</p>
        <div className={classes.strip}>
          <b>{say("link")}</b>
          <span className="end">
            <CopyButton text={link} />
          </span>
        </div>
        <Code label={say("link")} text={link} />
        <Group justify="flex-end">
          <Button variant="filled" onClick={close}>
            {say("linkKept")}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}

const New = z.object({
  email: z.string().check(z.refine((email) => email.trim() !== "", { error: () => say0("emailNeeded") })),
  role: z.string().check(z.minLength(1, { error: () => say0("roleNeeded") })),
  requiresApproval: z.boolean(),
});

export function InviteDialog({ close }: { close: () => void }) {
  const say = useWords(words);
  const roles = useRoles();
  const [sent, setSent] = useState<Sent | null>(null);
  const form = useProblemForm({
    schema: New,
    initialValues: { email: "", role: "", requiresApproval: false },
    send: async (values) => {
      const made = await take(api.POST("/v1/invitations", { body: { ...values, email: values.email.trim() } }));
      renewPeople();
      told(made, setSent);
      if (made.link === null) close();
    },
  });
  if (sent) return <SentLink sent={sent} close={close} />;
  const chosen = roles.list.find((one) => one.id === form.form.values.role);
  return (
    <Dialog opened onClose={close} title={say("inviteTitle")} centered>
      <form onSubmit={form.submit} className={classes.once} noValidate>
        <FormProblem problem={form.problem} />
        <TextInput {...form.input("email")} data-autofocus type="email" label={say("email")} autoComplete="off" />
        <Select {...form.input("role")} value={form.form.values.role || null} label={say("role")} description={chosen?.description} data={roles.list.map((one) => ({ value: one.id, label: one.name }))} />
        <Checkbox {...form.form.getInputProps("requiresApproval", { type: "checkbox" })} size="xs" label={say("requiresApproval")} />
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" loading={form.sending}>
            {say("inviteSend")}
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}
