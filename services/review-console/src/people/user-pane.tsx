/** One person: role, queues, how they sign in, and their account's end. */
import { ActionIcon, Button, Group, MultiSelect, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconX } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Dialog } from "@/control/dialog";
import { Avatar } from "@/control/person";
import { sentenceOf } from "@/control/sentence";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Severity } from "@/look/severity";
import { browserOf } from "@/session/browser-name";
import { useSession } from "@/session/session";
import { Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { OneLink } from "./invitations";
import own from "./people.module.css";
import { renewPeople, userQuery, type Person } from "./query";
import { useRoles } from "./roles";
import { words } from "./words";

export function UserPane({ id, close }: { id: string; close: () => void }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(userQuery(id));
  const { user } = useSession();
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={6} />;
  const isOwn = data.id === user.id;
  return (
    <div role="region" aria-label={say("pane", { name: data.name || data.email })} className={own.body}>
      <header className={own.panehead}>
        <Avatar id={data.id} name={data.name || data.email} size={28} />
        <span className={own.who}>
          <b className="user-text">{data.name || data.email}</b>
          <span className="dim t12 user-text">
            {data.email} · {say.rich("since", { when: <Moment at={data.createdAt} dated /> })}
          </span>
        </span>
        <ActionIcon variant="subtle" color="gray" className="end" aria-label={say("close")} onClick={close}>
          <IconX className="icon" aria-hidden="true" />
        </ActionIcon>
      </header>
      {isOwn ? <p className={classes.note}>{say("ownAccount")}</p> : null}
      <Access of={data} isOwn={isOwn} />
      <SigningIn of={data} isOwn={isOwn} />
      {isOwn ? null : <End of={data} close={close} />}
    </div>
  );
}

/** Does it, says what became of it, and renews what is shown. */
async function act(work: () => Promise<unknown>, done: string | null): Promise<boolean> {
  try {
    await work();
    if (done !== null) toast(done);
    return true;
  } catch (refused) {
    const problem = asProblem(refused);
    if (!problem) throw refused;
    toast(sentenceOf(problem));
    return false;
  } finally {
    renewPeople();
  }
}

/** The last that were used; of more there is the number. */
const SHOWN = 4;

const pathOf = (of: Person) => ({ path: { user_id: of.id } });

function Access({ of, isOwn }: { of: Person; isOwn: boolean }) {
  const say = useWords(words);
  const roles = useRoles();
  const names = useNames();
  const queues = useQuery({ queryKey: ["users", "queues", of.id], queryFn: () => take(api.GET("/v1/users/{user_id}/queues", { params: pathOf(of) })) });
  const [chosen, setChosen] = useState<string[] | null>(null);
  const current = chosen ?? queues.data?.queueIds ?? [];
  const data = roles.list.some((one) => one.id === of.role) ? roles.list : [...roles.list, { id: of.role, name: roles.name(of.role) }];
  const change = (role: string | null) => (role === null || role === of.role ? undefined : void act(() => take(api.PATCH("/v1/users/{user_id}", { params: pathOf(of), body: { role } })), say("roleChanged", { name: of.name, role: roles.name(role) })));
  const save = async () => {
    if (await act(() => take(api.PUT("/v1/users/{user_id}/queues", { params: pathOf(of), body: { queueIds: current } })), say("queuesSaved", { name: of.name }))) {
      queries.setQueryData(["users", "queues", of.id], { queueIds: current });
      setChosen(null);
    }
  };
  return (
    <div className={own.part}>
      <Select size="xs" label={say("role")} description={isOwn ? undefined : say("roleHint")} data={data.map((one) => ({ value: one.id, label: one.name }))} value={of.role} onChange={change} readOnly={isOwn} />
      {of.isBreakGlass ? <p className="dim t12">{say("breakGlass")}</p> : null}
      {queues.data ? (
        <>
          <MultiSelect size="xs" label={say("queues")} description={say("queuesHint")} placeholder={current.length === 0 ? say("noQueues") : undefined} data={names.queues.map((one) => ({ value: one.id, label: one.name }))} value={current} onChange={setChosen} searchable />
          {chosen === null ? null : (
            <div>
              <Button size="compact-xs" onClick={() => void save()}>
                {say("saveQueues")}
              </Button>
            </div>
          )}
        </>
      ) : null}
    </div>
  );
}

function SigningIn({ of, isOwn }: { of: Person; isOwn: boolean }) {
  const say = useWords(words);
  const [link, setLink] = useState<{ link: string; expiresAt: string } | null>(null);
  const [isAsking, setAsking] = useState(false);
  const sessions = useQuery({ queryKey: ["users", "sessions", of.id], queryFn: () => take(api.GET("/v1/users/{user_id}/sessions", { params: pathOf(of) })) });
  const reset = () =>
    act(async () => {
      const made = await take(api.POST("/v1/users/{user_id}/reset-link", { params: pathOf(of) }));
      if (made.link === null) toast(say("resetMailed", { email: of.email }));
      else setLink({ link: made.link, expiresAt: made.expiresAt });
    }, null);
  const end = () =>
    act(async () => {
      const { ended } = await take(api.DELETE("/v1/users/{user_id}/sessions", { params: pathOf(of) }));
      toast(say("sessionsEnded", { count: ended }));
    }, null);
  const takeAway = async () => {
    setAsking(false);
    await act(() => take(api.DELETE("/v1/users/{user_id}/second-factor", { params: pathOf(of) })), say("factorDone", { name: of.name }));
  };
  const list = sessions.data?.items ?? [];
  return (
    <Part title={say("signingIn")}>
      <dl className={own.facts}>
        <dt>{say("password")}</dt>
        <dd>
          {say(of.hasPassword ? "hasPassword" : "noPassword")}
          {isOwn || of.status !== "ACTIVE" ? null : (
            <Button size="compact-xs" variant="subtle" onClick={() => void reset()}>
              {say("resetLink")}
            </Button>
          )}
        </dd>
        <dt>{say("factor")}</dt>
        <dd>
          {of.hasSecondFactor ? say("hasFactor") : <Severity level="high" quiet>{say("noFactor")}</Severity>}
          {isOwn || !of.hasSecondFactor ? null : (
            <Button size="compact-xs" variant="subtle" onClick={() => setAsking(true)}>
              {say("resetFactor")}
            </Button>
          )}
        </dd>
        <dt>{say("sessions")}</dt>
        <dd>
          {sessions.data && list.length === 0 ? <span className="dim">{say("noSessions")}</span> : null}
          <ul className={own.sessions}>
            {list.slice(0, SHOWN).map((one) => (
              <li key={one.id}>
                {Object.values(browserOf(one.userAgent)).filter((part) => part !== null).join(", ") || say("otherProgram")} · <span className="dim">{one.ip}</span> · <Moment at={one.lastSeenAt} relative />
              </li>
            ))}
            {list.length > SHOWN ? <li className="dim">{say("moreSessions", { count: list.length - SHOWN })}</li> : null}
          </ul>
          {isOwn || list.length === 0 ? null : (
            <Button size="compact-xs" variant="subtle" onClick={() => void end()}>
              {say("endSessions")}
            </Button>
          )}
        </dd>
      </dl>
      {link ? (
        <OneLink title={say("resetTitle")} link={link.link} close={() => setLink(null)}>
          {say.rich("resetText", { name: of.name, when: <Moment at={link.expiresAt} dated /> })}
        </OneLink>
      ) : null}
      {isAsking ? (
        <Ask title={say("factorTitle", { name: of.name })} text={say("factorText")} now={say("resetFactor")} close={() => setAsking(false)} run={() => void takeAway()} />
      ) : null}
    </Part>
  );
}

function End({ of, close }: { of: Person; close: () => void }) {
  const say = useWords(words);
  const [asked, setAsked] = useState<"disable" | "remove" | null>(null);
  const { name } = of;
  const post = (what: "approve" | "reject" | "disable" | "enable", done: string) => {
    setAsked(null);
    return act(() => take(api.POST(`/v1/users/{user_id}/${what}`, { params: pathOf(of) })), done);
  };
  const remove = async () => {
    setAsked(null);
    if (await act(() => take(api.DELETE("/v1/users/{user_id}", { params: pathOf(of) })), say("removed", { name }))) close();
  };
  const isWaiting = of.status === "PENDING" || of.status === "REJECTED";
  return (
    <div className={`${own.part ?? ""} ${own.end ?? ""}`}>
      <Severity level={of.status === "ACTIVE" ? "done" : of.status === "PENDING" ? "medium" : "none"}>{say(of.status)}</Severity>
      <span className={classes.rowtools}>
        {isWaiting ? (
          <Button size="xs" variant="filled" onClick={() => void post("approve", say("approved", { name }))}>
            {say("approve")}
          </Button>
        ) : null}
        {of.status === "PENDING" ? (
          <Button size="xs" onClick={() => void post("reject", say("rejected", { name }))}>
            {say("reject")}
          </Button>
        ) : null}
        {of.status === "ACTIVE" ? (
          <Button size="xs" onClick={() => setAsked("disable")}>
            {say("disable")}
          </Button>
        ) : null}
        {of.status === "DISABLED" ? (
          <Button size="xs" onClick={() => void post("enable", say("enabled", { name }))}>
            {say("enable")}
          </Button>
        ) : null}
        <Button size="xs" variant="subtle" onClick={() => setAsked("remove")}>
          {say("remove")}
        </Button>
      </span>
      {asked === "disable" ? <Ask title={say("disableTitle", { name })} text={say("disableText")} now={say("disableNow")} close={() => setAsked(null)} run={() => void post("disable", say("disabled", { name }))} /> : null}
      {asked === "remove" ? <Ask title={say("removeTitle", { name })} text={say("removeText")} now={say("removeNow")} close={() => setAsked(null)} run={() => void remove()} /> : null}
    </div>
  );
}

function Ask({ title, text, now, close, run }: { title: string; text: ReactNode; now: string; close: () => void; run: () => void }) {
  const say = useWords(words);
  return (
    <Dialog opened onClose={close} title={title} centered>
      <p className="t13">{text}</p>
      <Group mt="lg" gap="sm" justify="flex-end">
        <Button data-autofocus onClick={close}>
          {say("keep")}
        </Button>
        <Button variant="filled" className={classes.final} onClick={run}>
          {now}
        </Button>
      </Group>
    </Dialog>
  );
}
